package report

import (
	"cmp"
	"slices"

	"github.com/c4342123/rollcall/events"
)

// fold takes the events of one meeting, in the order of the stream.
type fold struct {
	id         string
	any        bool
	first      int64 // when the first event happened
	unreadable int
	latest     events.Meeting // what is known of the meeting itself
	lives      []Period       // EndTime is 0 of the last while the meeting goes on
	gaps       []Gap
	people     map[string]*Person
	parts      []part
	told       []events.Event // that events were erased
}

// part is what follows from events that follow on each other. There is more than one when events
// between them are missing: those that were to be kept for less time have expired, say.
type part struct {
	roster *events.Roster
	last   int64 // when the last of the events happened
}

// newFold returns the fold of a meeting of which events were erased, as far as that is known before
// they are missed.
func newFold(id string, told ...events.Event) *fold {
	f := &fold{id: id, people: map[string]*Person{}, told: told}
	f.begin()
	return f
}

// begin begins another part.
func (f *fold) begin() *part {
	roster := events.NewRoster(f.id)
	for i := range f.told {
		roster.Explain(&f.told[i])
	}
	f.parts = append(f.parts, part{roster: roster})
	return &f.parts[len(f.parts)-1]
}

// erased is how much was erased.
func (f *fold) erased() (out Erased) {
	var holes events.Holes
	for i := range f.told {
		holes.Add(&f.told[i])
	}
	return Erased{People: holes.People(), Events: holes.Events()}
}

// add takes the payload of the next message.
func (f *fold) add(payload []byte) {
	f.any = true
	e, err := events.Decode(payload)
	if err != nil || !f.apply(e) {
		f.unreadable++
	}
}

// apply takes the next event, and tells whether it can be one of the meeting's.
func (f *fold) apply(e events.Event) bool {
	if e.ConferenceID() != f.id {
		return false
	}
	f.first = cmp.Or(f.first, e.Time.UnixMilli())
	switch {
	case e.Member != nil:
		return f.member(e)
	case e.Meeting != nil:
		f.meeting(e)
	case e.Gap != nil:
		f.gap(*e.Gap)
	case e.Erased != nil:
		f.told = append(f.told, e)
		f.parts[len(f.parts)-1].roster.Explain(&e)
	}
	return true
}

func (f *fold) member(e events.Event) bool {
	if m := e.Member; min(m.JoinTime, m.LeaveTime) < 0 || max(m.JoinTime, m.LeaveTime) > events.MaxTime {
		return false
	}
	now := &f.parts[len(f.parts)-1]
	if err := now.roster.Apply(e); err != nil { // it does not follow on the one before
		now = f.begin()
		if err := now.roster.Apply(e); err != nil {
			return false
		}
	}
	m := e.Member
	now.last = max(now.last, e.Time.UnixMilli())
	p := f.people[e.Subject]
	if p == nil {
		p = &Person{Person: e.Subject}
		f.people[e.Subject] = p
	}
	f.latest.Title = cmp.Or(m.Title, f.latest.Title)
	p.UnionID, p.UserNick = m.UnionID, cmp.Or(m.UserNick, p.UserNick)
	p.Host, p.CoHost = p.Host || m.Host || m.EverHost, p.CoHost || m.CoHost || m.EverCoHost
	p.OuterOrgMember, p.PSTNJoin = m.OuterOrgMember, p.PSTNJoin || m.PSTNJoin
	return true
}

func (f *fold) meeting(e events.Event) {
	m, at := e.Meeting, e.Time.UnixMilli()
	f.latest.Title, f.latest.CreatorNick = cmp.Or(m.Title, f.latest.Title), cmp.Or(m.CreatorNick, f.latest.CreatorNick)
	if f.over() && e.Type == events.MeetingUpdated {
		return // that begins nothing
	}
	if len(f.lives) == 0 || f.over() {
		f.lives = append(f.lives, Period{StartTime: at})
	}
	n := len(f.lives)
	life := &f.lives[n-1]
	// After the first end upstream may still tell when the meeting first began.
	if m.StartTime > 0 && (n == 1 || m.StartTime >= f.lives[n-2].EndTime) {
		life.StartTime = min(life.StartTime, m.StartTime)
	}
	f.latest.Reason = ""
	switch {
	case e.Type == events.MeetingEnded:
		life.EndTime, f.latest.Reason = max(at, life.StartTime), m.Reason
	case e.Type == events.MeetingUpdated && m.EndTime > 0: // the end named a creator who was forgotten
		life.EndTime = max(m.EndTime, life.StartTime)
	}
}

// gap takes one of the two events of a gap, or both.
func (f *fold) gap(g events.Gap) {
	next := Gap{From: g.From, To: g.To, Reason: g.Reason}
	if i := slices.IndexFunc(f.gaps, func(have Gap) bool { return have.From == g.From }); i >= 0 {
		f.gaps[i] = next
		return
	}
	f.gaps = append(f.gaps, next)
}

// attendances unites what the parts tell. One that a part leaves open and the next shows ended is
// the same one.
func (f *fold) attendances() []events.Attendance {
	type key struct {
		person string
		join   int64
	}
	var out []events.Attendance
	at := map[key]int{}
	for i, p := range f.parts {
		for _, a := range p.roster.Attendances() {
			switch last := i == len(f.parts)-1; {
			case a.End != "":
			case !last:
				a.Leave, a.LeaveInferred, a.Reason = max(p.last, a.Join), true, EndUnknown
			case f.over(): // nobody stays in a meeting that is over
				a.Leave, a.LeaveInferred, a.Reason = max(f.lives[len(f.lives)-1].EndTime, a.Join), true, EndUnknown
			}
			if j, known := at[key{a.Person, a.Join}]; known {
				out[j] = a
				continue
			}
			at[key{a.Person, a.Join}] = len(out)
			out = append(out, a)
		}
	}
	slices.SortStableFunc(out, func(a, b events.Attendance) int { return cmp.Compare(a.Join, b.Join) })
	return out
}

// over tells whether the last that is known of the meeting is that it ended.
func (f *fold) over() bool { return len(f.lives) > 0 && f.lives[len(f.lives)-1].EndTime > 0 }

func (f *fold) complete() bool {
	return f.unreadable == 0 && len(f.parts) == 1 && f.parts[0].roster.Complete()
}

// expired is how many events of members came before the first that is stored.
func (f *fold) expired() uint64 {
	if r := f.parts[0].roster; !r.Complete() {
		return r.First() - 1
	}
	return 0
}
