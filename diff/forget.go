package diff

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/c4342123/rollcall/events"
)

// Who is somebody who is to be forgotten: a person of a unionId, or the guests of one meeting who
// are called by a nickname. One of the two is empty.
type Who struct {
	UnionID string
	Nick    string
}

// Is tells whether an event names who.
func (w Who) Is(e *events.Event) bool {
	switch {
	case e.Meeting != nil:
		return w.UnionID != "" && e.Meeting.CreatorID == w.UnionID
	case e.Member == nil:
		return false
	case w.UnionID != "":
		return e.Subject == w.UnionID || e.Member.UnionID == w.UnionID
	}
	return e.Member.UnionID == "" && (e.Member.UserNick == w.Nick || w.called([]byte(e.Subject)))
}

// called tells whether a guest's key has the nickname.
func (w Who) called(key []byte) bool {
	if !bytes.HasPrefix(key, []byte(guestPrefix)) {
		return false
	}
	_, nick := guestOf(key)
	return string(nick) == w.Nick
}

// Of are the people of the state who are who.
func (s *State) Of(w Who) []Person {
	var out []Person
	for i := range s.people {
		if s.isWho(&s.people[i], w) {
			out = append(out, s.named(&s.people[i]))
		}
	}
	return out
}

// Names tells whether the state names who.
func (s *State) Names(w Who) bool {
	if w.UnionID != "" && s.CreatorID == w.UnionID {
		return true
	}
	return slices.ContainsFunc(s.people, func(p person) bool { return s.isWho(&p, w) })
}

func (s *State) isWho(p *person, w Who) bool {
	if w.UnionID != "" {
		return !p.flags.has(guest) && string(s.key(p)) == w.UnionID
	}
	if !p.flags.has(guest) {
		return false
	}
	return w.called(s.key(p)) || string(s.nick(p)) == w.Nick || p.flags.has(renamed) && w.called(s.listedAs(p))
}

// Without returns the state without who: as if they had never been listed, and created nothing.
// What counts others stays.
func (s *State) Without(w Who) *State {
	next := *s
	if w.UnionID != "" && s.CreatorID == w.UnionID {
		next.CreatorID, next.CreatorNick = "", ""
	}
	next.people, next.past, next.names, next.pushes = nil, nil, nil, nil
	place := make([]int32, len(s.people))
	for i := range s.people {
		p := s.people[i]
		if place[i] = -1; s.isWho(&p, w) {
			continue
		}
		place[i] = int32(len(next.people))
		key, rest := s.key(&p), s.nick(&p)
		p.name = uint32(len(next.names))
		next.names = append(append(next.names, key...), rest...)
		p.past = next.copyPast(s, p.past)
		next.people = append(next.people, p)
	}
	for _, push := range s.pushes {
		if push.person = place[push.person]; push.person >= 0 {
			next.pushes = append(next.pushes, push)
		}
	}
	next.Active = 0
	for i := range next.people {
		if next.people[i].open() {
			next.Active++
		}
	}
	next.edition++
	return &next
}

// copyPast copies a person's attendances before the last from another state.
func (s *State) copyPast(from *State, first int32) int32 {
	if first == 0 {
		return 0
	}
	begin := len(s.past)
	for at := first; at > 0; at = from.past[at-1].next {
		v := from.past[at-1]
		if v.next > 0 {
			v.next = int32(len(s.past) + 2)
		}
		s.past = append(s.past, v)
	}
	return int32(begin + 1)
}

// Forget has somebody forgotten of whom events are about to be erased. It is for meetings that are
// not watched.
type Forget struct {
	Who
	Holes  []events.Hole // that the events leave
	Reason string
	By     string
	At     int64 // when it was ordered, in Unix milliseconds
	Now    int64 // when it is done, in Unix milliseconds
	// About says that an event about the meeting itself is erased: what it told is told again, without
	// who created the meeting.
	About bool
}

// Apply implements [Intent].
func (i Forget) Apply(s *State) Result {
	next := s.Without(i.Who)
	res := Result{State: next, Changed: true}
	if len(i.Holes) == 0 {
		return res
	}
	if i.About {
		m := next.meeting(events.UpdateChanged)
		m.People, m.Peak, m.PersonMinutes = s.totals()
		res.Events = append(res.Events, events.Event{
			ID: events.MeetingID(s.ConferenceID, i.Now, events.MeetingUpdated, text(i.Holes)), Type: events.MeetingUpdated,
			Time: time.UnixMilli(i.Now).UTC(), Meeting: m,
		})
	}
	res.Events = append(res.Events, events.Event{
		ID: events.MeetingID(s.ConferenceID, i.Now, events.PersonErased, text(i.Holes)), Type: events.PersonErased,
		Time: time.UnixMilli(i.Now).UTC(),
		Erased: &events.Erased{
			ConferenceID: s.ConferenceID, Events: len(i.Holes), Holes: i.Holes, Reason: i.Reason, By: i.By, At: i.At,
		},
	})
	return res
}

// text is what an event's id holds of the holes: two that are told in the same millisecond are two
// facts.
func text(holes []events.Hole) string {
	out := make([]byte, 0, 64*len(holes))
	for _, h := range holes {
		out = fmt.Appendf(out, "%d %s\n", h.Sequence, h.Hash)
	}
	return string(out)
}

func (i Forget) String() string { return fmt.Sprintf("forget somebody at %d", i.Now) }
