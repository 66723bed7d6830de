package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// maxTitles bounds the titles that are remembered.
	maxTitles = 1000
	// untitledFor is how long it is remembered that a meeting has no title.
	untitledFor = time.Minute
)

// lastMessages finds the last message of a subject.
type lastMessages interface {
	GetLastMsgForSubject(ctx context.Context, subject string) (*jetstream.RawStreamMsg, error)
}

// titles knows the titles of meetings, which member events do not hold. Those of meetings that begin while the stream is
// read are noted, others looked up when they are needed.
type titles struct {
	stream lastMessages
	known  map[string]titled
}

type titled struct {
	title string
	until time.Time // zero for always
}

func (t *titles) keep(meeting string, what titled) {
	if len(t.known) >= maxTitles || t.known == nil {
		t.known = map[string]titled{} // what is still needed is looked up again
	}
	t.known[meeting] = what
}

// note takes the title from the event that a meeting has begun.
func (t *titles) note(m *events.Meeting) {
	if m.Title != "" {
		t.keep(m.ConferenceID, titled{title: m.Title})
	}
}

// of returns a meeting's title, empty when it has none.
func (t *titles) of(ctx context.Context, meeting string, now time.Time) (string, error) {
	if what, known := t.known[meeting]; known && (what.until.IsZero() || now.Before(what.until)) {
		return what.title, nil
	}
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	msg, err := t.stream.GetLastMsgForSubject(ctx, events.ByMeeting(meeting, events.MeetingStarted))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		t.keep(meeting, titled{until: now.Add(untitledFor)})
		return "", nil
	case err != nil:
		return "", fmt.Errorf("look up the title of meeting %s: %w", meeting, err)
	}
	what := titled{until: now.Add(untitledFor)}
	if e, err := events.Decode(msg.Data); err == nil && e.Meeting != nil && e.Meeting.Title != "" {
		what = titled{title: e.Meeting.Title}
	}
	t.keep(meeting, what)
	return what.title, nil
}
