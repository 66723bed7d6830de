package conn

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

// Refusal is a subject that a server did not let this user publish or subscribe to. Who asked is
// not told: a request simply gets no answer. The server says it to the connection.
type Refusal struct {
	Subscribe bool // else it was published to
	Subject   string
}

// refused is how a server says it, see its client.go, pubPermissionViolation and
// subPermissionViolation.
var refused = regexp.MustCompile(`(?i)permissions violation for (publish|subscription) to "([^"]+)"`)

// refusalOf reads what a server said to the connection.
func refusalOf(err error) (Refusal, bool) {
	if !errors.Is(err, nats.ErrPermissionViolation) {
		return Refusal{}, false
	}
	m := refused.FindStringSubmatch(err.Error())
	if m == nil {
		return Refusal{}, false
	}
	return Refusal{Subscribe: strings.EqualFold(m[1], "subscription"), Subject: m[2]}, true
}

// families are the subjects of which what follows differs from request to request: a user who may
// use one of them has to be allowed all.
var families = regexp.MustCompile(`^(` +
	`_INBOX\.|_R_\.|` +
	`rollcall\.in\.|rollcall\.audit\.|rollcall\.doctor\.in\.|rollcall\.shards\.|` +
	`\$KV\.[^.]+\.|` +
	`\$JS\.ACK\.[^.]+\.|` +
	`\$JS\.API\.CONSUMER\.(?:CREATE|DURABLE\.CREATE|INFO|DELETE|MSG\.NEXT)\.[^.]+\.|` +
	`\$JS\.API\.DIRECT\.GET\.[^.]+\.)`)

// Pattern is the subject as a user has to be allowed it, with a wildcard where it differs from
// request to request.
func Pattern(subject string) string {
	if prefix := families.FindString(subject); prefix != "" {
		return prefix + ">"
	}
	return subject
}

// Allowing writes the lines of a server's configuration that allow a user what was refused, as in
// `publish: { allow: ["$KV.ROLLCALL_SHARDS.>"] }`. Each subject comes once.
func Allowing(all []Refusal) string {
	var lines []string
	for _, way := range []struct {
		name      string
		subscribe bool
	}{{"publish", false}, {"subscribe", true}} {
		var subjects []string
		for _, r := range all {
			if r.Subscribe == way.subscribe {
				subjects = append(subjects, fmt.Sprintf("%q", Pattern(r.Subject)))
			}
		}
		slices.Sort(subjects)
		if subjects = slices.Compact(subjects); len(subjects) > 0 {
			lines = append(lines, fmt.Sprintf("%s: { allow: [%s] }", way.name, strings.Join(subjects, ", ")))
		}
	}
	return strings.Join(lines, ", ")
}

// String says what was refused.
func (r Refusal) String() string {
	if r.Subscribe {
		return "subscribing to " + r.Subject
	}
	return "publishing on " + r.Subject
}

// maxRefusals bounds what is remembered; a user that is refused more has no permissions worth the
// name.
const maxRefusals = 256

// Refusals remember what was refused to a connection. The zero value is empty; it is safe for
// concurrent use.
type Refusals struct {
	mu   sync.Mutex
	seen map[Refusal]time.Time
	told chan struct{}
}

// note takes an error that the server told the connection.
func (r *Refusals) note(err error) {
	what, ok := refusalOf(err)
	if !ok {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil {
		r.seen = map[Refusal]time.Time{}
	}
	what.Subject = generalInbox(what.Subject)
	if _, known := r.seen[what]; known || len(r.seen) < maxRefusals {
		r.seen[what] = time.Now()
	}
	if r.told != nil {
		close(r.told)
		r.told = nil
	}
}

// generalInbox leaves out what differs from one inbox to the next: else the same refusal would be
// remembered again and again.
func generalInbox(subject string) string {
	if strings.HasPrefix(subject, nats.InboxPrefix) {
		return Pattern(subject)
	}
	return subject
}

// Since returns what was refused at a time or later, in a fixed order. The channel is closed at the
// next refusal.
func (r *Refusals) Since(at time.Time) ([]Refusal, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []Refusal
	for what, when := range r.seen {
		if !when.Before(at) {
			out = append(out, what)
		}
	}
	slices.SortFunc(out, func(a, b Refusal) int { return cmp.Compare(a.String(), b.String()) })
	if r.told == nil {
		r.told = make(chan struct{})
	}
	return out, r.told
}

// refusedLately is how long a refusal is taken to be why something gets no answer.
const refusedLately = time.Minute

// Explain adds to an error what was refused within the last minute, as the caller only learns that
// no answer came; without a refusal, or error, and when err is explained already, it returns err.
// Nil remember nothing.
func (r *Refusals) Explain(err error) error {
	var explained *refusedError
	if r == nil || err == nil || errors.As(err, &explained) {
		return err
	}
	all, _ := r.Since(time.Now().Add(-refusedLately))
	for i := range all {
		all[i].Subject = Pattern(all[i].Subject) // which names no meeting
	}
	if all = slices.Compact(all); len(all) == 0 {
		return err
	}
	return &refusedError{err: err, refusals: all}
}

// refusedError is an error for which a refusal is to blame.
type refusedError struct {
	err      error
	refusals []Refusal
}

// Error implements error.
func (e *refusedError) Error() string {
	return fmt.Sprintf("%v: the NATS server refuses this user %s; let it, with %s", e.err, List(e.refusals), Allowing(e.refusals))
}

func (e *refusedError) Unwrap() error { return e.err }

// maxListed is how many refusals are named; the lines that would allow them name the rest.
const maxListed = 5

// List names what was refused.
func List(all []Refusal) string {
	var names []string
	for _, r := range all {
		if len(names) == maxListed {
			names = append(names, fmt.Sprintf("and %d more", len(all)-maxListed))
			break
		}
		names = append(names, r.String())
	}
	return strings.Join(names, ", ")
}
