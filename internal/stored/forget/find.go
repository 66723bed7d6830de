// Package forget finds what is stored about somebody, and erases it.
package forget

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/publisher"
)

// allViews is the filter for every event in both views.
const allViews = "conference.>"

// Wanted is who is looked for.
type Wanted struct {
	// UnionIDs are what one person is called: the unionId and, where there are or were pseudonyms, the
	// pseudonym. Without any it is the guests of the Meeting who are called Nick.
	UnionIDs []string
	Nick     string
	Meeting  string
}

// who are the ones that it stands for.
func (w Wanted) who() []diff.Who {
	if len(w.UnionIDs) == 0 {
		return []diff.Who{{Nick: w.Nick}}
	}
	out := make([]diff.Who, len(w.UnionIDs))
	for i, id := range w.UnionIDs {
		out[i] = diff.Who{UnionID: id}
	}
	return out
}

// is tells whether an event names who is looked for.
func (w Wanted) is(e *events.Event) bool {
	return w.inMeeting(e.ConferenceID()) && slices.ContainsFunc(w.who(), func(who diff.Who) bool { return who.Is(e) })
}

func (w Wanted) inMeeting(id string) bool { return w.Meeting == "" || w.Meeting == id }

// maybe tells, without reading it, whether a payload can name who is looked for.
func (w Wanted) maybe(payload []byte) bool {
	if bytes.IndexByte(payload, '\\') >= 0 {
		return true // the name may be written otherwise
	}
	for _, who := range w.who() {
		if bytes.Contains(payload, []byte(who.UnionID+who.Nick)) {
			return true
		}
	}
	return false
}

// found is what is stored about somebody in a meeting.
type found struct {
	events   int                 // by meeting
	payloads [][]byte            // of them, if they are wanted
	byType   map[uint64][32]byte // sequences of the copies by type, and what they hold
	have     map[[32]byte]bool   // what is stored by meeting
	state    *diff.State         // nil where none names them
	watched  bool
	plain    bool // some event is from before events were chained and states sealed
}

// all is what is stored about somebody, by meeting.
type all map[string]*found

func (a all) of(id string) *found {
	f := a[id]
	if f == nil {
		f = &found{byType: map[uint64][32]byte{}, have: map[[32]byte]bool{}}
		a[id] = f
	}
	return f
}

// meetings are their ids, in order.
func (a all) meetings() []string { return slices.Sorted(maps.Keys(a)) }

// plain tells whether states may be stored that are not sealed.
func (a all) plain() bool {
	for _, f := range a {
		if f.plain {
			return true
		}
	}
	return false
}

// loose are the sequences of events by type that are not stored by meeting any more.
func (f *found) loose() []uint64 {
	var out []uint64
	for at, hash := range f.byType {
		if !f.have[hash] {
			out = append(out, at)
		}
	}
	slices.Sort(out)
	return out
}

// look reads every event and every state. Payloads says that the events themselves are wanted.
func (w Wanted) look(ctx context.Context, p *publisher.Publisher, js jetstream.JetStream, payloads bool) (all, error) {
	out := all{}
	r, err := reading.Open(ctx, js, reading.Options{Subjects: []string{allViews}, Patience: patience})
	if errors.Is(err, reading.ErrNoStream) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	err = r.Run(ctx, func(m reading.Message) error {
		if !w.maybe(m.Data) {
			return nil
		}
		e, err := events.Decode(m.Data)
		if err != nil || !w.is(&e) {
			return nil //nolint:nilerr // somebody else's message names nobody
		}
		f, hash := out.of(e.ConferenceID()), events.HashOf(m.Data)
		if m.Subject == string(e.Type) {
			f.byType[m.Sequence] = hash
			return nil
		}
		f.events++
		f.plain = f.plain || e.Previous == ""
		f.have[hash] = true
		if payloads {
			f.payloads = append(f.payloads, m.Data)
		}
		return nil
	})
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, err
	}
	return out, w.states(ctx, p, out)
}

// states adds what states say. One that cannot be read says nothing.
func (w Wanted) states(ctx context.Context, p *publisher.Publisher, out all) error {
	for record, err := range p.All(ctx) {
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion):
			continue
		case err != nil:
			return err
		}
		s := record.State
		names := w.inMeeting(s.ConferenceID) && slices.ContainsFunc(w.who(), s.Names)
		if f, known := out[s.ConferenceID]; known || names {
			if !known {
				f = out.of(s.ConferenceID)
			}
			f.watched = s.Phase == diff.Watched
			if f.state = nil; names {
				f.state = s
			}
		}
	}
	return ctx.Err()
}
