package diff

import (
	"bytes"
	"cmp"
	"time"

	"github.com/c4342123/rollcall/events"
)

// change is one announcement: an event to be, and what it does to the state.
type change struct {
	person           int32
	number           int32 // place among the changes of this comparison as found: a person's own order
	rank             uint8
	status, previous uint8
	late             bool // an attendance before the last announced one, seen only now
	inferred         bool
	order            int64 // what the change is ordered by: its time, unless it is late
	start, end       int64 // the attendance; end is 0 on a join
	visit            uint32
	typ              events.Type
	reason           events.Reason
}

// The ranks of changes at the same millisecond: an end comes before a start, but an attendance of no length ends
// after it began, and what is late comes last.
const (
	rankEnd = iota
	rankStart
	rankEndAtOnce
	rankLate
)

func (ch *change) at() int64 {
	if ch.typ == events.Joined {
		return ch.start
	}
	return ch.end
}

// before orders changes by time, rank, person and, for one person, as they were found. It does not depend on the
// order of the rows.
func (c *comparison) before(a, b change) int {
	if by := cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.rank, b.rank)); by != 0 {
		return by
	}
	if a.person != b.person {
		s := c.next
		return bytes.Compare(s.key(&s.people[a.person]), s.key(&s.people[b.person]))
	}
	return cmp.Compare(a.number, b.number)
}

// announce adds a change; it comes after everything announced of the same person before.
func (c *comparison) announce(ch change, after int64) {
	ch.order = max(ch.at(), after)
	ch.number = int32(len(c.changes))
	switch {
	case ch.late:
		ch.rank = rankLate
	case ch.typ == events.Joined:
		ch.rank = rankStart
	case ch.start == ch.end:
		ch.rank = rankEndAtOnce
	default:
		ch.rank = rankEnd
	}
	c.changes = append(c.changes, ch)
}

// apply does to the state what a change announces. The state must be a clone.
func (s *State) apply(ch *change) {
	p := &s.people[ch.person]
	s.Sequence++
	if !ch.late {
		p.status = ch.status
	}
	if ch.typ == events.Joined {
		s.Active++
		p.visits = ch.visit
		if !ch.late {
			s.remember(p, p.start, p.end)
			p.start, p.end = ch.start, 0
		}
		return
	}
	s.Active--
	if ch.late {
		s.remember(p, ch.start, ch.end)
		return
	}
	p.end = ch.end
}

// remember keeps an attendance that is no longer, or never was, the person's last.
func (s *State) remember(p *person, start, end int64) {
	if start == 0 {
		return
	}
	s.past = append(s.past, visit{start: start, end: end, next: p.past})
	p.past = int32(len(s.past))
}

// event writes a change that has just been applied to next.
func (c *comparison) event(ch *change) events.Event {
	s := c.next
	p := s.person(&s.people[ch.person])
	m := &events.Member{
		ConferenceID: s.ConferenceID, UnionID: p.UnionID, UserNick: p.UserNick,
		Host: p.Host, CoHost: p.CoHost, OuterOrgMember: p.OuterOrgMember, PSTNJoin: p.PSTNJoin,
		AttendStatus: int(ch.status), PreviousAttendStatus: int(ch.previous),
		JoinTime: ch.start, LeaveTime: ch.end,
		Reason: ch.reason, Initial: c.initial, Inferred: ch.inferred,
		ObservedAfter: c.prev.LookedAt, ObservedBefore: c.snap.At, Via: c.snap.Via,
		ActiveCount: s.Active, Visit: int(ch.visit),
	}
	if ch.typ != events.Joined {
		m.Duration = ch.end - ch.start
	}
	return events.Event{
		ID:   events.MemberID(s.ConferenceID, p.Key, ch.start, ch.typ),
		Type: ch.typ, Subject: p.Key, Time: time.UnixMilli(ch.at()).UTC(), Sequence: s.Sequence, Member: m,
	}
}
