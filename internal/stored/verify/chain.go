package verify

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// outage is how long reading the events may be interrupted.
const outage = 30 * time.Second

// Chain is what the chain and the seals of a meeting's stored events show.
type Chain struct {
	// Events is how many stored events are chained, and Before how many were stored before there
	// was a chain.
	Events, Before int
	// Erased is how many events were erased, of which the holes are explained.
	Erased int
	// Expired is how many events came before the first that is stored, as a seal proves.
	Expired uint64
	// Restarts is how often all that was stored was lost, and the chain began anew.
	Restarts int
	// Seals is how many events carry one, and Keys who signed them.
	Seals int
	Keys  []string
	// Sealed says that the last event carries a seal: nothing can have been taken away behind it but
	// what is not sealed yet.
	Sealed bool
	// Broken says what the first event is that does not fit, and why; empty when all do.
	Broken string
}

// ReadChain follows the chain of a meeting's stored events. The error says why they cannot be read.
func ReadChain(ctx context.Context, js jetstream.JetStream, meeting string) (Chain, error) {
	var f chainFold
	for _, pass := range []struct {
		types []events.Type
		take  func(reading.Message)
	}{
		{[]events.Type{events.PersonErased}, f.erased},
		{nil, f.take},
	} {
		reader, err := reading.Open(ctx, js, reading.Options{Subjects: reading.Subjects(meeting, pass.types...), Patience: outage})
		if err != nil {
			return Chain{}, err
		}
		if err := reader.Run(ctx, func(m reading.Message) error { pass.take(m); return nil }); err != nil {
			return Chain{}, err
		}
		if ctx.Err() != nil {
			return Chain{}, context.Cause(ctx)
		}
	}
	return f.end(), nil
}

// chainFold follows a chain, event by event.
type chainFold struct {
	out   Chain
	holes events.Holes
	chain events.Chain
	// Of a chain whose first events are missing: headless until a seal says how many there were.
	headless bool
	seen     uint64
}

func (f *chainFold) erased(m reading.Message) {
	if e, err := events.Decode(m.Data); err == nil {
		f.holes.Add(&e)
	}
}

// take follows the next event. What comes after the first that does not fit proves nothing.
func (f *chainFold) take(m reading.Message) {
	if f.out.Broken != "" {
		return
	}
	e, err := events.Decode(m.Data)
	if err == nil {
		err = f.follow(m.Data, &e)
	}
	if err != nil {
		f.out.Broken = fmt.Sprintf("message %d of the stream: %v", m.Sequence, err)
	}
}

func (f *chainFold) follow(payload []byte, e *events.Event) error {
	if e.Previous == "" && !f.chain.Begun() && f.seen == 0 {
		f.out.Before++
		return nil
	}
	if err := f.begin(e); err != nil {
		return err
	}
	before := f.chain
	f.chain = f.holes.Over(f.chain, e.Previous)
	f.out.Erased += int(f.chain.Events - before.Events)
	if err := f.seal(payload, e); err != nil {
		return err
	}
	var err error
	f.chain, err = f.chain.Follow(payload, e)
	f.out.Events++
	f.seen++
	f.out.Sealed = e.Seal() != nil
	return err
}

// begin takes note of where a chain begins: with the first of the meeting's events, anew when all
// that was stored was lost, or with what is left of it.
func (f *chainFold) begin(e *events.Event) error {
	restarted := e.Meeting != nil && e.Meeting.Restarted
	if restarted {
		f.out.Restarts++
	}
	switch {
	case restarted && e.Previous == events.NoHash:
		f.chain, f.seen, f.headless = events.Chain{}, 0, false
	case f.seen > 0 || e.Previous == events.NoHash || f.holes.Over(events.Chain{}, e.Previous).Begun():
	case f.out.Before > 0:
		return fmt.Errorf("%w: it follows upon an event that is missing", events.ErrChain)
	default:
		last, err := events.ParseHash(e.Previous)
		if err != nil {
			return err
		}
		f.headless, f.chain = true, events.Chain{Last: last}
	}
	return nil
}

// seal checks the event's seal, if it has one, which proves how many events are missing before the
// first.
func (f *chainFold) seal(payload []byte, e *events.Event) error {
	s := e.Seal()
	if s == nil {
		return nil
	}
	if err := events.CheckSeal(payload, e); err != nil {
		return err
	}
	f.out.Seals++
	if !slices.Contains(f.out.Keys, s.Key) {
		f.out.Keys = append(f.out.Keys, s.Key)
	}
	if f.headless && s.Events > f.chain.Events {
		f.out.Expired, f.chain.Events, f.headless = s.Events-f.chain.Events, s.Events, false
	}
	return nil
}

// end is what all events together show.
func (f *chainFold) end() Chain {
	if f.headless && f.out.Broken == "" {
		f.out.Broken = "the first event that is stored follows upon others, and no seal says what became of them"
	}
	return f.out
}
