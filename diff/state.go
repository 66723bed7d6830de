package diff

import (
	"slices"

	"github.com/c4342123/rollcall/events"
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
	// Expired meetings are being removed with all their events. Nothing else is left of them, and one
	// that is watched again begins as if it had never been known.
	Expired
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
	case Expired:
		return "expired"
	default:
		return "unknown"
	}
}

// State is everything Rollcall knows of one meeting: what has been announced, and what the next
// comparison needs. A State is immutable once it is shared: [Compare] returns a new one, and so
// does every method that returns a State. It holds no pointers per person, so that millions of
// people cost the garbage collector nothing.
type State struct {
	ConferenceID string
	Phase        Phase
	Title        string
	// TitleGiven says that the title was given by the one who asked to watch the meeting. It
	// stands, whatever DingTalk calls the meeting.
	TitleGiven  bool
	CreatorID   string
	CreatorNick string
	StartTime   int64 // Unix milliseconds; 0 when not known
	EndTime     int64 // Unix milliseconds; 0 when not known
	// Sequence is the number of the meeting's last member event.
	Sequence uint64
	// Active is the number of people announced as present.
	Active int
	// LookedAt is when the last whole look whose outcome is stored began, in Unix milliseconds; 0
	// before the first.
	LookedAt int64
	// StartedAt is when it was announced that the meeting is watched, in Unix milliseconds; 0 when
	// it was not yet.
	StartedAt int64
	// GapFrom is when the open gap began, in Unix milliseconds, and GapReason why; 0 while there is
	// none.
	GapFrom   int64
	GapReason string
	// GapTo is when the last gap that was announced to be over ended, in Unix milliseconds; 0
	// before the first. No gap begins before it, so that one that is already stored is not
	// announced again.
	GapTo int64
	// lastGap is when that gap began, and gapEnded the edition that has its end.
	lastGap  int64
	gapEnded uint64

	// edition grows with every comparison that changes the state. It tells what was known when a
	// look began, which no clock can.
	edition uint64
	// looked is the edition that the last whole look or the meeting's end made. Of a look that is
	// stored in steps, the last of which is yet to come, unfinished is when it ended, in Unix
	// milliseconds; 0 otherwise.
	looked     uint64
	unfinished int64

	// Chain is how far the chain of the meeting's stored events has come. It is the store's:
	// comparisons leave it as it is.
	Chain events.Chain

	known bool // the meeting is or was watched
	// restarted says that the meeting was watched before, that nothing of it is stored any more, and
	// that its start, which says so, is yet to be announced.
	restarted bool

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

// visit is an attendance before a person's last one; next leads to the one before, as person.past
// does.
type visit struct {
	start, end int64
	next       int32
}

// push says that a push announced something of a person that no look since has shown yet.
type push struct {
	person  int32
	edition uint64
}

func (p *person) open() bool { return p.start > 0 && p.end == 0 }

// Known tells whether the meeting is or was watched. Of any other there is only what [New] returns.
func (s *State) Known() bool { return s.known }

// IsWatched tells whether the meeting is watched.
func (s *State) IsWatched() bool { return s.known && s.Phase == Watched }

// New returns the state of a meeting nothing is known of.
func New(conferenceID string) *State { return &State{ConferenceID: conferenceID, Phase: Watched} }

// NewExpired returns the state of a meeting whose events have expired: nothing is left in it.
func NewExpired(conferenceID string) *State {
	return &State{ConferenceID: conferenceID, Phase: Expired}
}

// WithPhase returns the state in another phase.
func (s *State) WithPhase(phase Phase) *State {
	next := *s
	next.Phase, next.known = phase, true
	return &next
}

// Chained returns the state as it is stored with events up to a link of the chain.
func (s *State) Chained(c events.Chain) *State {
	next := *s
	next.Chain = c
	return &next
}

// Unchained returns the state as a store keeps it that does not chain events yet: in a form that a
// Rollcall that knows of no chains can read. That a loss is yet to be told is left out.
func (s *State) Unchained() *State {
	if !s.restarted {
		return s
	}
	next := *s
	next.restarted = false
	return &next
}

// WithoutTitle returns the state without the meeting's title; nil for none.
func (s *State) WithoutTitle() *State {
	if s == nil || s.Title == "" {
		return s
	}
	next := *s
	next.Title, next.TitleGiven = "", false
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
