package diff

import (
	"bytes"
	"cmp"
	"time"

	"github.com/c4342123/rollcall/events"
)

// change is one announcement: an event to be, and what it does to the state.
type change struct {
	person int32
	// Place among the changes of this comparison as found: a person's own order.
	number           int32
	rank             uint8
	status, previous uint8
	late             bool // an attendance before the last announced one, seen only now
	pushed           bool
	initial          bool
	devices          bool // the attendance that begins is that of several
	inferred         bool
	order            int64 // what the change is ordered by: its time, unless it is late
	start, end       int64 // the attendance; end is 0 on a join
	visit            int
	typ              events.Type
	reason           events.Reason
}

// The ranks of changes at the same millisecond: an end comes before a start, but an attendance of
// no length ends after it began, and what is late comes last.
const (
	rankEnd = iota
	rankStart
	rankEndAtOnce
	rankLate
)

func (ch *change) rankAtOnce() uint8 {
	switch {
	case ch.late:
		return rankLate
	case ch.typ == events.Joined:
		return rankStart
	case ch.start == ch.end:
		return rankEndAtOnce
	default:
		return rankEnd
	}
}

func (ch *change) at() int64 {
	if ch.typ == events.Joined {
		return ch.start
	}
	return ch.end
}

// before orders changes by time, rank, person and, for one person, as they were found. It does not
// depend on the order of the rows.
func (c *comparison) before(a, b change) int {
	s := c.next
	return cmp.Or(
		cmp.Compare(a.order, b.order),
		cmp.Compare(a.rank, b.rank),
		bytes.Compare(s.key(&s.people[a.person]), s.key(&s.people[b.person])),
		cmp.Compare(a.number, b.number),
	)
}

// apply does to the state what a change announces. The state must be a clone.
func (s *State) apply(ch *change) {
	p := &s.people[ch.person]
	s.Sequence++
	if ch.typ == events.Joined {
		s.Active++
	} else {
		s.Active--
	}
	if ch.late {
		if ch.typ != events.Joined {
			s.remember(p, ch.start, ch.end)
		}
		return
	}
	if ch.typ == events.Joined && p.start > 0 {
		s.remember(p, p.start, p.end)
	}
	p.start, p.end, p.status = ch.start, ch.end, ch.status
	p.flags &^= otherDevice
	if ch.devices {
		p.flags |= otherDevice
	}
	if ch.pushed {
		s.notePush(ch.person)
	}
}

// remember keeps an attendance that is no longer, or never was, the person's last.
func (s *State) remember(p *person, start, end int64) {
	s.past = append(s.past, visit{start: start, end: end, next: p.past})
	p.past = int32(len(s.past))
}

// event writes a change that has just been applied to next.
func (c *comparison) event(ch *change) events.Event {
	s := c.next
	p := s.named(&s.people[ch.person])
	m := &events.Member{
		ConferenceID: s.ConferenceID, Title: s.Title, UnionID: p.UnionID, UserNick: p.UserNick,
		Host: p.Host, CoHost: p.CoHost, OuterOrgMember: p.OuterOrgMember, PSTNJoin: p.PSTNJoin,
		EverHost: p.EverHost, EverCoHost: p.EverCoHost, AttendStatus: int(ch.status), PreviousAttendStatus: int(ch.previous),
		JoinTime: ch.start, LeaveTime: ch.end,
		Reason: ch.reason, Initial: ch.initial, Inferred: ch.inferred,
		// The look before may have gone by a clock that is ahead of this one's.
		ObservedAfter: min(c.prev.LookedAt, c.snap.At), ObservedBefore: c.snap.At, Via: c.snap.Via,
		ActiveCount: s.Active, Visit: ch.visit,
	}
	if ch.typ != events.Joined {
		m.Duration = ch.end - ch.start
	}
	return events.Event{
		ID:   events.MemberID(s.ConferenceID, p.Key, ch.start, ch.typ),
		Type: ch.typ, Subject: p.Key, Time: time.UnixMilli(ch.at()).UTC(), Sequence: s.Sequence, Member: m,
	}
}
