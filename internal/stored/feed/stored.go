package feed

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/poller/condition"
)

// historyPatience is how long an interruption may last while old events are read.
const historyPatience = 10 * time.Second

// Consumers is how many consumers of the stream a [Feed] has while it only follows it; a reader
// that goes back to older events has one more for that long.
const Consumers = 1

// Stored returns the events of the stream in NATS. The reporter is told of interruptions; it may be
// nil.
func Stored(js jetstream.JetStream, reporter condition.Reporter) Stream {
	return &stored{js, reporter}
}

// stored is the stream. Every event has two messages, one after the other: by type and by meeting.
// An event's sequence is that of the first here, whichever was read.
type stored struct {
	js       jetstream.JetStream
	reporter condition.Reporter
}

// behind is by how much the sequence of a message by meeting is greater than that of the same
// event's by type.
const behind = 1

// Last implements [Stream].
func (s *stored) Last(ctx context.Context) (uint64, error) {
	r, err := reading.Open(ctx, s.js, reading.Options{New: true})
	if err != nil {
		return 0, err
	}
	return r.End().Sequence, nil
}

// Follow implements [Stream].
func (s *stored) Follow(ctx context.Context, began func(after uint64), each func(Event) error) error {
	r, err := reading.Open(ctx, s.js, reading.Options{New: true, Live: true, Reporter: s.reporter, Anew: began})
	if err != nil {
		return err
	}
	began(r.End().Sequence)
	return r.Run(ctx, func(m reading.Message) error {
		if !decodes(m) {
			return nil
		}
		e := eventOf(m, 0)
		e.ID = m.ID()
		return each(e)
	})
}

// decodes tells whether a message is an event. What is none is not handed on: readers take what they
// hear for what Rollcall says.
func decodes(m reading.Message) bool {
	_, err := events.Decode(m.Data)
	return err == nil
}

// eventOf is the event in a message, whose sequence is by so much greater than the event's.
func eventOf(m reading.Message, shift uint64) Event {
	return Event{Sequence: m.Sequence - shift, Meeting: m.Meeting, Type: m.Type(), Payload: m.Data}
}

var errEnough = errors.New("enough was read")

// History implements [Stream].
func (s *stored) History(ctx context.Context, filter Filter, after, until uint64, each func(Event) error) error {
	shift := uint64(0)
	if filter.Meeting != "" {
		shift = behind
	}
	r, err := reading.Open(ctx, s.js, reading.Options{
		Subjects: reading.Subjects(filter.Meeting, filter.Types...), After: diff.Position{Sequence: after + shift}, Patience: historyPatience,
	})
	if errors.Is(err, reading.ErrBeyondEnd) { // nothing is left of what was stored after it
		return nil
	}
	if err != nil {
		return err
	}
	err = r.Run(ctx, func(m reading.Message) error {
		e := eventOf(m, shift)
		if e.Sequence > until {
			return errEnough
		}
		if !decodes(m) {
			return nil
		}
		return each(e)
	})
	switch {
	case errors.Is(err, errEnough):
		return nil
	case err == nil:
		return ctx.Err()
	}
	return err
}
