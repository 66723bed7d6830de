package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/publisher"
)

// jetStream examines whether there is a JetStream, and whether its limits leave room for what the
// service makes.
func (s *store) jetStream(ctx context.Context) Finding {
	if s.conn == nil {
		return skipped(s.why)
	}
	if !s.asked("INFO") {
		return note("the limits of this user's account cannot be read", "to have them checked: "+allowPublish(jsAPI+"INFO"))
	}
	js, err := jetstream.New(s.conn)
	if err != nil {
		return failed(err, "")
	}
	info, err := js.AccountInfo(ctx)
	switch {
	case errors.Is(err, jetstream.ErrJetStreamNotEnabledForAccount):
		return s.without(err, "switch JetStream on for this user's account: jetstream: enabled in the account's block, or its limits in its JWT")
	case errors.Is(err, jetstream.ErrJetStreamNotEnabled):
		return s.without(errors.New("the server has no JetStream: "+err.Error()),
			"switch JetStream on in the server's configuration: jetstream { store_dir: /var/lib/nats }")
	case err != nil:
		return s.without(err, "check the server's log, and that its JetStream has a leader")
	}
	s.limits, s.used = &info.Limits, info.Tier
	if tier, ok := info.Tiers[fmt.Sprintf("R%d", max(s.opts.Settings.Store.Replicas, 1))]; ok {
		s.limits, s.used = &tier.Limits, tier
	}
	if err := publisher.CheckPayload(s.conn); err != nil {
		return failed(err, "set max_payload in the server's configuration to 1MB, which is its default")
	}
	return s.room()
}

// without skips the checks that need JetStream.
func (s *store) without(err error, mend string) Finding {
	s.giveUp("JetStream cannot be used")
	return failed(err, mend)
}

// asked tells whether this user may make a request of JetStream.
func (s *store) asked(request string) bool {
	for _, r := range s.replies {
		if r.subject == jsAPI+request {
			return r.outcome != forbidden
		}
	}
	return false
}

// room examines the account's limits.
func (s *store) room() Finding {
	var missing []string
	for _, name := range streams(s.opts.Settings) {
		if !s.exists(name) {
			missing = append(missing, name)
		}
	}
	most := s.limits.MaxStreams
	if left := most - s.used.Streams; most > 0 && left < len(missing) {
		return failed(fmt.Errorf("the account may have %d streams and has %d; the service makes %d more: %s",
			most, s.used.Streams, len(missing), strings.Join(missing, ", ")),
			fmt.Sprintf("raise the account's max_streams to %d or more", s.used.Streams+len(missing)))
	}
	if most := s.limits.MaxConsumers; most > 0 && most < consumersNeeded {
		return failed(fmt.Errorf("the account allows a stream %d consumers; each replica needs %d of %s", most, consumersNeeded, events.Stream),
			fmt.Sprintf("raise the account's max_consumers to %d for each replica, and one for every reader of yours", consumersNeeded))
	}
	if f, found := filling("the account's storage (max_file)", s.used.Store, uint64(max(s.limits.MaxStore, 0)), "bytes"); found {
		return f
	}
	return ok(fmt.Sprintf("on; %d streams, %d bytes stored%s", s.used.Streams, s.used.Store, limitText(s.limits.MaxStore)))
}

func limitText(most int64) string {
	if most <= 0 {
		return ""
	}
	return fmt.Sprintf(" of %d", most)
}

// leastRoom is what has to be free for the service to go on storing, in bytes.
const leastRoom = 1 << 20

// filling says when something with a limit is full, or nearly so. A limit of 0 is none.
func filling(what string, used, most uint64, unit string) (Finding, bool) {
	if most == 0 {
		return Finding{}, false
	}
	left := most - min(used, most)
	text := fmt.Sprintf("%s is nearly full: %d of %d %s", what, used, most, unit)
	mend := "raise the limit, or keep events for a shorter time: --retention"
	switch {
	case left == 0 || unit == "bytes" && left < leastRoom:
		return failed(errors.New(text+"; nothing more can be stored soon"), mend), true
	case left < most/10:
		return note(text, mend), true
	}
	return Finding{}, false
}

// allowPublish is the line that lets a user publish on a subject.
func allowPublish(subject string) string { return fmt.Sprintf("publish: { allow: [%q] }", subject) }

// replicas is how many copies of everything the settings want.
func replicas(s config.Settings) int { return max(s.Store.Replicas, 1) }
