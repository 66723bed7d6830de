package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/internal/nats/conn"
)

// permissions finds out what this user may do, all at once.
func (s *store) permissions(ctx context.Context) Finding {
	if s.conn == nil {
		return skipped(s.why)
	}
	replies, err := ask(ctx, s.conn, &s.refusals, needs(s.opts.Settings, s.conn.NewInbox()))
	if err != nil {
		s.giveUp("requests could not be tried")
		return failed(err, "check the server's log")
	}
	s.replies = replies
	defer func() {
		if !s.hears() {
			s.giveUp("no answer can be received")
		}
	}()
	if f, found := s.forbiddenFinding(); found {
		return f
	}
	if f, found := s.silentFinding(); found {
		return f
	}
	if f, found := s.elsewhereFinding(); found {
		return f
	}
	if less := s.refused(toMake, toChange, toAgree, toLend, toTell, toTry); len(less) > 0 {
		return note("all that is needed at present is allowed; not "+conn.List(less)+": "+s.consequences(),
			"if that is wanted, in this user's permissions: "+conn.Allowing(less))
	}
	return ok("this user may do all that the service and the bot do")
}

// forbiddenFinding is about what the service cannot do without, and everything else that is refused
// beside.
func (s *store) forbiddenFinding() (Finding, bool) {
	refused := s.refused(toServe)
	for _, r := range s.replies {
		if r.class == toMake && r.outcome == forbidden && !s.exists(r.stream) {
			refused = append(refused, refusal(r.need))
		}
	}
	if len(refused) == 0 {
		return Finding{}, false
	}
	mend := "in this user's permissions: " + conn.Allowing(refused) + ", and deny none of these"
	return failed(errors.New("the server refuses this user "+conn.List(refused)), mend), true
}

// silentFinding is about requests that get no answer though they are allowed.
func (s *store) silentFinding() (Finding, bool) {
	for _, r := range s.replies {
		if r.outcome == unanswered && !r.silent && r.class != toTry && r.class != toTell && r.class != toLend {
			return failed(fmt.Errorf("no answer to %s, which is allowed", r.subject),
				"check that JetStream has a leader (nats server report jetstream), and what its server logs"), true
		}
	}
	return Finding{}, false
}

// elsewhereFinding is about messages that do not reach the stream they are for.
func (s *store) elsewhereFinding() (Finding, bool) {
	for _, r := range s.replies {
		if r.header == nil || r.class != toServe {
			continue
		}
		switch {
		case r.outcome == unheard && s.exists(r.stream):
			return failed(fmt.Errorf("stream %s is there, but what is published on %s does not reach it", r.stream, r.allow()),
				"log in to the account that has the stream: an import of JetStream's requests ($JS.API.>) alone does not do"), true
		case r.outcome == answered && r.stream != "" && r.stream != r.need.stream:
			return failed(fmt.Errorf("what is published on %s goes to stream %s, which somebody else has made", r.subject, r.stream),
				fmt.Sprintf("have stream %s leave %s to Rollcall, or give Rollcall an account of its own", r.stream, r.allow())), true
		}
	}
	return Finding{}, false
}

// refused are the subjects that are not allowed, of what the classes need, each pattern once.
func (s *store) refused(classes ...class) []conn.Refusal {
	var out []conn.Refusal
	for _, r := range s.replies {
		if r.outcome == forbidden && slices.Contains(classes, r.class) {
			out = append(out, refusal(r.need))
		}
	}
	return compact(out)
}

// compact leaves one of several that are allowed by one line.
func compact(all []conn.Refusal) []conn.Refusal {
	seen := map[conn.Refusal]bool{}
	return slices.DeleteFunc(all, func(r conn.Refusal) bool {
		r.Subject = conn.Pattern(r.Subject)
		again := seen[r]
		seen[r] = true
		return again
	})
}

func refusal(n need) conn.Refusal {
	return conn.Refusal{Subscribe: n.subscribe, Subject: n.subject}
}

// may tells whether everything of a class is allowed.
func (s *store) may(c class) bool { return len(s.refused(c)) == 0 }

// hears tells whether answers can be received.
func (s *store) hears() bool {
	for _, r := range s.replies {
		if r.outcome == answered || r.outcome == unheard && !r.subscribe {
			return true
		}
	}
	return false
}

// exists tells whether a stream is known to be there.
func (s *store) exists(stream string) bool {
	for _, r := range s.replies {
		if r.subject == jsAPI+"STREAM.INFO."+stream {
			return r.outcome == answered && r.code == 0
		}
	}
	return false
}

// consequences says what does not work when what is needed now and then is refused.
func (s *store) consequences() string {
	var out []string
	for _, c := range []struct {
		class class
		text  string
	}{
		{toMake, "a stream that is lost is not made again"},
		{toChange, "a stream is not adapted when a version or --nats-replicas wants it"},
		{toAgree, "replicas do not answer each other, unless allow_responses is set"},
		{toLend, "readers who have an account of their own can make no consumers"},
		{toTell, "rollcall bot does not work"},
		{toTry, "the doctor cannot try or look at everything"},
	} {
		if !s.may(c.class) {
			out = append(out, c.text)
		}
	}
	return strings.Join(out, "; ")
}
