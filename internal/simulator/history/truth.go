package history

import (
	"cmp"
	"slices"
)

// truth tells what has happened in the meeting up to m.at. It goes by the history alone and knows
// nothing of rows, so that a mistake of the member list, or of its reader, shows as a difference.
func (m *Meeting) truth() MeetingTruth {
	acc := m.account()
	out := MeetingTruth{ConferenceID: m.id, Title: m.title, StartTime: m.start, People: []PersonTruth{}, Events: []ExpectedEvent{}}
	if out.EndTime = acc.ended; acc.ended != 0 {
		out.ReadableUntil = acc.ended + m.keep
	}
	people := make(map[personKey][]stay)
	var order []personKey
	for _, s := range acc.stays {
		key := m.keyOf(s)
		if people[key] == nil {
			order = append(order, key)
		}
		people[key] = append(people[key], s)
	}
	for _, key := range order {
		attended := united(people[key])
		out.People = append(out.People, m.personTruth(attended))
		out.Events = append(out.Events, m.expected(attended)...)
		if attended[len(attended)-1].to == 0 {
			out.Present++
		}
	}
	slices.SortStableFunc(out.Events, func(a, b ExpectedEvent) int {
		return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(starts(a), starts(b)))
	})
	return out
}

// starts orders an end before a start of the same millisecond.
func starts(e ExpectedEvent) int {
	if e.Event == "joined" {
		return 1
	}
	return 0
}

// personKey is what a person is known by outside: the unionId or, without one, nickname and
// joinTime.
type personKey struct {
	unionID, nick string
	joined        int64
}

func (m *Meeting) keyOf(s stay) personKey {
	p := m.people[s.person]
	if p.UnionID != "" {
		return personKey{unionID: p.UnionID}
	}
	return personKey{nick: p.Nick, joined: s.from}
}

// united merges a person's overlapping stays, given in the order of their beginnings. Stays that
// merely touch are two.
func united(stays []stay) []stay {
	var out []stay
	for _, s := range stays {
		n := len(out)
		if n == 0 || out[n-1].to != 0 && s.from >= out[n-1].to {
			out = append(out, s)
			continue
		}
		out[n-1].absorb(s)
	}
	return out
}

// absorb takes over the end of a stay that began within s: the later end counts, and of two that
// are the same, for as long as either is shown.
func (s *stay) absorb(other stay) {
	switch {
	case s.to == 0 || other.to != 0 && other.to < s.to:
	case other.to != s.to || other.ended == endedMeeting:
		s.to, s.ended, s.hiddenAt = other.to, other.ended, other.hiddenAt
	case s.hiddenAt != 0 && (other.hiddenAt == 0 || other.hiddenAt > s.hiddenAt):
		s.hiddenAt = other.hiddenAt
	}
}

func (m *Meeting) personTruth(attended []stay) PersonTruth {
	p := m.people[attended[0].person]
	out := PersonTruth{UnionID: p.UnionID, Nick: p.Nick}
	for _, s := range attended {
		out.Attendances = append(out.Attendances, AttendanceTruth{Joined: s.from, Left: s.to, Ended: s.ended})
	}
	return out
}

// expected lists the events of one person.
func (m *Meeting) expected(attended []stay) []ExpectedEvent {
	p := m.people[attended[0].person]
	var out []ExpectedEvent
	for i, s := range attended {
		e := ExpectedEvent{UnionID: p.UnionID, Nick: p.Nick, Joined: s.from, Visit: i + 1}
		start := e
		start.At, start.Event, start.Reason, start.ListedUntil = s.from, "joined", "joined", s.resetAt
		if i > 0 {
			start.Reason = "rejoined"
		}
		out = append(out, start)
		if s.to == 0 {
			continue
		}
		e.At, e.Event, e.Reason = s.to, "left", s.ended
		switch s.ended {
		case endedDropped, endedVanished:
			e.Inferred = true
		case endedKicked:
			e.Event, e.ListedUntil = "kicked", s.hiddenAt
		default:
			e.ListedUntil = s.hiddenAt
		}
		out = append(out, e)
	}
	return out
}
