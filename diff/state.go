package diff

import (
	"iter"
	"slices"
)

// Phase says what a meeting's state means for Rollcall.
type Phase uint8

const (
	// Watched meetings are polled.
	Watched Phase = iota + 1
	// Unwatched meetings were given up on request, without a close-out.
	Unwatched
	// Ended meetings are over and closed out.
	Ended
)

// String names the phase as the HTTP interface does.
func (p Phase) String() string {
	switch p {
	case Watched:
		return "watched"
	case Unwatched:
		return "unwatched"
	case Ended:
		return "ended"
	default:
		return "unknown"
	}
}

// State is everything Rollcall knows of one meeting: what has been announced, and what the next comparison needs.
// A State is immutable once it is shared: [Compare] returns a new one, and so do the With methods. It holds no
// pointers per person, so that millions of people cost the garbage collector nothing.
type State struct {
	ConferenceID string
	Phase        Phase
	Title        string
	// TitleGiven says that whoever asked to watch the meeting gave the title: it stands whatever DingTalk calls it.
	TitleGiven  bool
	CreatorID   string
	CreatorNick string
	StartTime   int64 // Unix milliseconds; 0 when not known
	EndTime     int64 // Unix milliseconds; 0 when not known
	// Sequence is the number of the meeting's last member event.
	Sequence uint64
	// Active is the number of people announced as present.
	Active int
	// LookedAt is when the last whole look whose outcome is stored began, in Unix milliseconds; 0 before the first.
	LookedAt int64
	// StartedAt is when it was announced that the meeting is watched, in Unix milliseconds; 0 when it was not yet.
	StartedAt int64
	// GapFrom is when the open gap began, in Unix milliseconds, and GapReason why; 0 while there is none.
	GapFrom   int64
	GapReason string
	// GapTo is when the last gap that was announced to be over ended, in Unix milliseconds; 0 before the first. None
	// begins before: whoever compares again what has been stored in part announces no gap a second time.
	GapTo int64
	// lastGap is when that gap began, and gapEnded the edition that has its end.
	lastGap  int64
	gapEnded uint64

	// edition grows with every comparison that changes the state. It tells what was known when a look began, which no
	// clock can.
	edition uint64
	// looked is the edition that the last whole look or the meeting's end made. Of a look that is stored in steps, the last
	// of which is yet to come, unfinished is when it ended, in Unix milliseconds; 0 otherwise.
	looked     uint64
	unfinished int64

	known bool // somebody began to watch the meeting: it is not merely asked about

	people []person // in the order first seen; only ever appended to
	past   []visit  // announced attendances before each person's last
	pushes []push   // in the order of editions, each person once
	names  []byte   // keys and nicknames of people
}

// person is what has been announced of one person, and how they were listed last.
type person struct {
	start   int64  // of the last announced attendance, Unix milliseconds; 0 before the first
	end     int64  // of it; 0 while it is open
	past    int32  // 1 + index in State.past of the attendance before the last; 0 for none
	name    uint32 // offset of the key in State.names; the nickname follows it
	keyLen  uint16
	nickLen uint16
	status  uint8 // as listed last; 0 when not listed
	flags   flags
}

// visit is an attendance before a person's last one; next leads to the one before, as person.past does.
type visit struct {
	start, end int64
	next       int32
}

// push says that a push told something of a person, which no whole look that began later has shown yet.
type push struct {
	person  int32
	edition uint64
}

type flags uint16

const (
	host flags = 1 << iota
	coHost
	outerOrg
	pstn
	guest       // has no unionId; the key is a substitute
	missing     // the last complete snapshot lacked the announced attendance
	oneRow      // the last complete snapshot had exactly one row of the person, or one that is open and such of visits that are over
	otherDevice // another device of the announced attendance is known: it was listed, or a push named it since
	unused      // version 1 of the encoding had it
	wasHost     // has been host before
	wasCoHost
	endWithheld // the last list of theirs was uncertain: it showed an end that was not announced, and no open row
	renamed     // a guest whom the list names otherwise than was announced; in place of the nickname is the key listed

	roles = host | coHost | outerOrg | pstn
	// lasting is what a look that does not show the person leaves as it is.
	lasting  = roles | guest | wasHost | wasCoHost | renamed
	allFlags = renamed<<1 - 1
)

func (f flags) has(x flags) bool { return f&x != 0 }

// past are the roles that somebody has or had, as ones they had.
func (f flags) past() flags {
	p := f & (wasHost | wasCoHost)
	if f.has(host) {
		p |= wasHost
	}
	if f.has(coHost) {
		p |= wasCoHost
	}
	return p
}

func (p *person) open() bool { return p.start > 0 && p.end == 0 }

// Known tells whether the meeting is or was watched. Of any other there is only what [New] returns.
func (s *State) Known() bool { return s.known }

// IsWatched tells whether the meeting is watched, as somebody began to watch it.
func (s *State) IsWatched() bool { return s.known && s.Phase == Watched }

// New returns the state of a meeting nothing is known of.
func New(conferenceID string) *State { return &State{ConferenceID: conferenceID, Phase: Watched} }

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
	JoinTime       int64 // start of the last announced attendance, Unix milliseconds; 0 before the first
	LeaveTime      int64 // its end; 0 while it is open
	Visits         int
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

// WithPhase returns the state in another phase.
func (s *State) WithPhase(phase Phase) *State {
	next := *s
	next.Phase, next.known = phase, true
	return &next
}

// clone returns a copy whose people can be changed.
func (s *State) clone() *State {
	next := *s
	next.people = slices.Clone(s.people)
	next.past = slices.Clone(s.past)
	next.pushes = slices.Clone(s.pushes)
	next.names = s.compactNames(next.people)
	return &next
}

// compactNames copies names for people, a copy of s.people, and drops what changed nicknames left behind once that
// is as much as what is still in use.
func (s *State) compactNames(people []person) []byte {
	live := 0
	for i := range people {
		live += int(people[i].keyLen) + int(people[i].nickLen)
	}
	if len(s.names) <= 2*live {
		return slices.Clone(s.names)
	}
	names := make([]byte, 0, live)
	for i := range people {
		p := &people[i]
		at := uint32(len(names))
		names = append(append(names, s.key(p)...), s.nick(p)...)
		p.name = at
	}
	return names
}

func (s *State) key(p *person) []byte { return s.names[p.name : p.name+uint32(p.keyLen)] }

func (s *State) nick(p *person) []byte {
	from := p.name + uint32(p.keyLen)
	return s.names[from : from+uint32(p.nickLen)]
}
