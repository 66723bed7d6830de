package diff

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

// State is everything Rollcall knows of one meeting: what has been announced, and what the next comparison needs.
// A State is immutable; [Compare] returns a new one.
type State struct {
	ConferenceID string
	Phase        Phase
	Title        string
	CreatorID    string
	CreatorNick  string
	StartTime    int64 // Unix milliseconds; 0 when not known
	EndTime      int64 // Unix milliseconds; 0 when not known
	// Sequence is the number of the meeting's last member event.
	Sequence uint64
	// Active is the number of people announced as present.
	Active int
	// LookedAt is when the last whole look began, in Unix milliseconds; 0 before the first.
	LookedAt int64

	people []person // in the order first seen; only ever appended to
	names  []byte   // keys and nicknames of people, so that people holds no pointers
}

// New returns the state of a meeting nothing is known of.
func New(conferenceID string) *State { return &State{ConferenceID: conferenceID, Phase: Watched} }
type person struct{}
