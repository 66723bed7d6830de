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

// titles knows the titles of meetings, for member events without one: the title was not known yet,
// or an older Rollcall wrote the event. What is told of meetings while the stream is read is noted,
// and looked up when it is needed.
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

// note takes the title from an event about a meeting.
func (t *titles) note(m *events.Meeting) {
	if m.Title != "" {
		t.keep(m.ConferenceID, titled{title: m.Title})
	}
}

// of returns the title of the meeting that a member event is about, empty when it has none.
func (t *titles) of(ctx context.Context, m *events.Member, now time.Time) (string, error) {
	if m.Title != "" {
		return m.Title, nil
	}
	if what, known := t.known[m.ConferenceID]; known && (what.until.IsZero() || now.Before(what.until)) {
		return what.title, nil
	}
	what := titled{until: now.Add(untitledFor)}
	for _, kind := range []events.Type{events.MeetingUpdated, events.MeetingStarted} {
		title, err := t.lookUp(ctx, m.ConferenceID, kind)
		if err != nil {
			return "", fmt.Errorf("look up the title of meeting %s: %w", m.ConferenceID, err)
		}
		if title != "" {
			what = titled{title: title}
			break
		}
	}
	t.keep(m.ConferenceID, what)
	return what.title, nil
}

// lookUp returns the title in a meeting's last event of a type.
func (t *titles) lookUp(ctx context.Context, meeting string, kind events.Type) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	msg, err := t.stream.GetLastMsgForSubject(ctx, events.ByMeeting(meeting, kind))
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return "", nil
	case err != nil:
		return "", err
	}
	if e, err := events.Decode(msg.Data); err == nil && e.Meeting != nil {
		return e.Meeting.Title, nil
	}
	return "", nil
}
