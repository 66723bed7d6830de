// Package forget finds what is stored about somebody, and erases it.
package forget

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"strings"

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
	// pseudonym. Without any it is the guests of the Meeting who are called one of Nicks.
	UnionIDs []string
	Nicks    []string
	Meeting  string
}

// who are the ones that it stands for.
func (w Wanted) who() []diff.Who {
	out := make([]diff.Who, 0, len(w.UnionIDs)+len(w.Nicks))
	for _, id := range w.UnionIDs {
		out = append(out, diff.Who{UnionID: id})
	}
	for _, nick := range w.Nicks {
		out = append(out, diff.Who{Nick: nick})
	}
	return out
}

// named are those of who is looked for whom something names that is stored of a meeting.
func (w Wanted) named(meeting string, names func(diff.Who) bool) []diff.Who {
	if w.Meeting != "" && w.Meeting != meeting {
		return nil
	}
	return slices.DeleteFunc(w.who(), func(who diff.Who) bool { return !names(who) })
}

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
	named    map[diff.Who]bool   // as whom they are stored
	watched  bool
	plain    bool // some event is from before events were chained and states sealed
}

// all is what is stored about somebody, by meeting.
type all map[string]*found

func (a all) of(id string) *found {
	f := a[id]
	if f == nil {
		f = &found{byType: map[uint64][32]byte{}, have: map[[32]byte]bool{}, named: map[diff.Who]bool{}}
		a[id] = f
	}
	return f
}

// meetings are their ids, in order.
func (a all) meetings() []string { return slices.Sorted(maps.Keys(a)) }

// naming are the meetings of which something is stored that names who, in order.
func (a all) naming(who diff.Who) []string {
	return slices.DeleteFunc(a.meetings(), func(id string) bool { return !a[id].named[who] })
}

// note adds as whom somebody is stored.
func (f *found) note(named []diff.Who) {
	for _, who := range named {
		f.named[who] = true
	}
}

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

// look reads every event and, in states, every state. Payloads says that the events themselves are
// wanted.
func (w Wanted) look(ctx context.Context, js jetstream.JetStream, states iter.Seq2[diff.Record, error], payloads bool) (all, error) {
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
		if err != nil {
			return nil //nolint:nilerr // somebody else's message names nobody
		}
		named := w.named(e.ConferenceID(), func(who diff.Who) bool { return who.Is(&e) })
		if len(named) == 0 {
			return nil
		}
		f, hash := out.of(e.ConferenceID()), events.HashOf(m.Data)
		f.note(named)
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
	return out, w.states(ctx, states, out)
}

// readStates yields the states for somebody who may only read. One that is replaced meanwhile may
// be left out.
func readStates(ctx context.Context, js jetstream.JetStream) iter.Seq2[diff.Record, error] {
	return func(yield func(diff.Record, error) bool) {
		r, err := reading.Open(ctx, js, reading.Options{Subjects: []string{publisher.StatesAndKeys}, Patience: patience})
		if err == nil {
			var states publisher.StateReader
			err = r.Run(ctx, func(m reading.Message) error {
				if s, ok := states.Read(m.Subject, m.Data); ok && !yield(diff.Record{State: s, Revision: m.Sequence}, nil) {
					return errEnough
				}
				return nil
			})
		}
		if err != nil && !errors.Is(err, errEnough) && !errors.Is(err, reading.ErrNoStream) {
			yield(diff.Record{}, err)
		}
	}
}

var errEnough = errors.New("no more states are wanted")

// states adds what states say. One that cannot be read says nothing.
func (w Wanted) states(ctx context.Context, states iter.Seq2[diff.Record, error], out all) error {
	for record, err := range states {
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion):
			continue
		case err != nil:
			return err
		}
		s := record.State
		named := w.named(s.ConferenceID, s.Names)
		names := len(named) > 0
		if f, known := out[s.ConferenceID]; known || names {
			if !known {
				f = out.of(s.ConferenceID)
			}
			f.note(named)
			f.watched = s.Phase == diff.Watched
			if f.state = nil; names {
				f.state = s
			}
		}
	}
	return ctx.Err()
}

// Named is somebody by unionId. pseudonym says what they are called where people have pseudonyms; it
// is nil where they have none. What looks like a pseudonym may be one.
func Named(id string, pseudonym func(string) string) Wanted {
	w := Wanted{UnionIDs: []string{id}}
	if pseudonym != nil {
		w.UnionIDs = append(w.UnionIDs, pseudonym(id))
	}
	return w
}

// CorpID is the organisation whose events are stored, as they tell it; empty when there are none.
func CorpID(ctx context.Context, js jetstream.JetStream) (string, error) {
	for _, subject := range []string{events.AllMeetings, events.AllMembers} {
		st, err := js.Stream(ctx, events.Stream)
		if err != nil {
			return "", err
		}
		last, err := st.GetLastMsgForSubject(ctx, subject)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			continue
		}
		if err != nil {
			return "", err
		}
		if e, err := events.Decode(last.Data); err == nil {
			corp, _, _ := strings.Cut(strings.TrimPrefix(e.Source, "/dingtalk/"), "/")
			return corp, nil
		}
	}
	return "", nil
}
