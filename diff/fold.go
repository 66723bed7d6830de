package diff

import (
	"github.com/c4342123/rollcall/events"
)

// Fold builds the state of a meeting from its stored events, if the state itself was lost.
// Comparing a list with it does not announce those events again. It lacks what no event says: who
// was called and never came, how many rows a person had, and that the meeting was unwatched. It is
// not safe for concurrent use.
type Fold struct {
	state *State
	index map[string]int32 // people by key
}

// NewFold returns the fold of a meeting of which no event is known.
func NewFold(conferenceID string) *Fold {
	return &Fold{state: New(conferenceID), index: map[string]int32{}}
}

// Add takes the next stored event of the meeting, in the order of the stream. Events of other
// meetings, and member events that were added before, change nothing. The first events may be
// missing: they expire.
func (f *Fold) Add(e events.Event) {
	if e.ConferenceID() != f.state.ConferenceID {
		return
	}
	f.state.known = true
	f.state.supersedeLooks(e.RecordedTime.UnixMilli())
	switch {
	case e.Member != nil:
		f.member(&e)
	case e.Meeting != nil:
		f.meeting(&e)
	case e.Gap != nil && e.Gap.To == 0:
		f.state.GapFrom, f.state.GapReason = e.Gap.From, e.Gap.Reason
	case e.Gap != nil:
		f.state.GapFrom, f.state.GapReason = 0, ""
		f.state.GapTo, f.state.lastGap = e.Gap.To, e.Gap.From
		f.looked(e.Gap.To)
	}
}

// State returns what the events add up to. The fold is not to be used any more.
func (f *Fold) State() *State { return f.state }

func (f *Fold) meeting(e *events.Event) {
	s, m := f.state, e.Meeting
	s.Title, s.StartTime = m.Title, m.StartTime
	if e.Type != events.MeetingEnded { // which names no creator
		s.CreatorID, s.CreatorNick = m.CreatorID, m.CreatorNick
	}
	switch {
	case e.Type == events.MeetingStarted:
		s.Phase, s.EndTime, s.StartedAt = Watched, 0, e.Time.UnixMilli()
		s.GapFrom, s.GapReason = 0, ""
	case e.Type == events.MeetingEnded, m.EndTime > 0: // an update tells of an end that was erased
		s.Phase, s.EndTime = Ended, m.EndTime
	}
}

func (f *Fold) member(e *events.Event) {
	s, m := f.state, e.Member
	if e.Sequence <= s.Sequence {
		return
	}
	s.Sequence = e.Sequence
	f.looked(m.ObservedAfter)
	if m.Via != events.ViaPush {
		f.looked(m.ObservedBefore)
	}
	p := f.person(e)
	before := p.open()
	if start := usable(m.JoinTime); start > 0 {
		s.attended(p, start, usable(m.LeaveTime), e.Type)
	}
	p.status = uint8(min(max(m.AttendStatus, 0), int(StatusLeft)))
	switch now := p.open(); {
	case now && !before:
		s.Active++
	case before && !now:
		s.Active--
	}
}

// looked notes a time at which a whole look had been taken.
func (f *Fold) looked(at int64) {
	f.state.LookedAt = max(f.state.LookedAt, usable(at))
}

// person returns the person of an event, and adds a new one.
func (f *Fold) person(e *events.Event) *person {
	s, m := f.state, e.Member
	row := Row{
		UnionID: m.UnionID, UserNick: m.UserNick, Host: m.Host, CoHost: m.CoHost,
		OuterOrgMember: m.OuterOrgMember, PSTNJoin: m.PSTNJoin,
	}
	key := clip(e.Subject, maxKey)
	i, known := f.index[key]
	if !known {
		i = s.add([]byte(key), &row)
		f.index[key] = i
	}
	p := &s.people[i]
	p.flags = rolesOf(&row) | p.flags&guest | p.flags.past()
	if m.EverHost {
		p.flags |= wasHost
	}
	if m.EverCoHost {
		p.flags |= wasCoHost
	}
	if nick := clip(m.UserNick, maxNick); string(s.nick(p)) != nick {
		s.name(p, []byte(key), nick)
	}
	return p
}

// attended notes the begin or the end of an announced attendance.
func (s *State) attended(p *person, start, end int64, t events.Type) {
	switch {
	case p.start > start: // late: an attendance before the last announced one
		if t != events.Joined {
			s.remember(p, start, max(end, start))
		}
		return
	case p.start > 0 && p.start < start:
		s.remember(p, p.start, max(p.end, p.start))
	}
	p.start, p.end = start, 0
	if t != events.Joined {
		p.end = max(end, start)
	}
}
