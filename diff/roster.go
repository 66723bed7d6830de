package diff

import (
	"iter"
)

// Person is one person of a meeting, as announced.
type Person struct {
	Key            string // unionId, or a substitute for a guest without one
	UnionID        string // empty for a guest without one
	UserNick       string
	Host           bool
	CoHost         bool
	EverHost       bool // has been host at any time
	EverCoHost     bool // has been co-host at any time
	OuterOrgMember bool
	PSTNJoin       bool
	AttendStatus   AttendStatus // as listed last; 0 when not listed
	Present        bool
	// Start of the last announced attendance, Unix milliseconds; 0 before the first.
	JoinTime  int64
	LeaveTime int64 // its end; 0 while it is open
	Visits    int
}

// People returns everybody the meeting's list ever showed, in the order they were first seen.
func (s *State) People() iter.Seq[Person] {
	return func(yield func(Person) bool) {
		for i := range s.people {
			if !yield(s.named(&s.people[i])) {
				return
			}
		}
	}
}

// Size is the number of people that [State.People] returns.
func (s *State) Size() int { return len(s.people) }

func (s *State) named(p *person) Person {
	out := Person{
		Key: string(s.key(p)), UserNick: string(s.nick(p)),
		Host: p.flags.has(host), CoHost: p.flags.has(coHost),
		EverHost: p.flags.past().has(wasHost), EverCoHost: p.flags.past().has(wasCoHost),
		OuterOrgMember: p.flags.has(outerOrg), PSTNJoin: p.flags.has(pstn),
		AttendStatus: int(p.status), Present: p.open(),
		JoinTime: p.start, LeaveTime: p.end, Visits: s.visits(p),
	}
	if p.flags.has(renamed) {
		_, nick := guestOf(s.key(p))
		out.UserNick = string(nick)
	}
	if !p.flags.has(guest) {
		out.UnionID = out.Key
	}
	return out
}

// visits counts the announced attendances of a person.
func (s *State) visits(p *person) int {
	if p.start == 0 {
		return 0
	}
	n := 1
	for v := p.past; v > 0; v = s.past[v-1].next {
		n++
	}
	return n
}

// announcedEnd finds the end of the announced attendance that begins near start or goes on then.
func (s *State) announcedEnd(p *person, start int64) (end int64, ok bool) {
	if p.open() && (start >= p.start || near(start, p.start)) {
		return 0, false
	}
	at := visit{start: p.start, end: p.end, next: p.past}
	for {
		if at.end > 0 && (near(at.start, start) || at.start <= start && start < at.end) {
			return at.end, true
		}
		if at.next == 0 {
			return 0, false
		}
		at = s.past[at.next-1]
	}
}
