package diff

import (
	"errors"
	"time"
)

// Record is a state as it is stored, with what guards it.
type Record struct {
	State *State
	// Revision is the stream sequence of the message that holds the state; 0 when nothing is stored
	// yet.
	Revision uint64
	// EventsExpire is when the last stored event of the meeting expires, in Unix seconds; 0 when
	// none is stored, and math.MaxInt64 when events are kept for ever. The state of a closed
	// meeting has to outlive it.
	EventsExpire int64
	// Folded is the stream sequence of the last event that State was rebuilt from, as the stored
	// state was lost; 0 when it was not.
	Folded uint64
	// Key is what the stored state is sealed with; zero when it is not sealed.
	Key Key
}

// Key seals the stored states of one meeting. Without it they cannot be read, so that what they
// said of people can be taken away from all of them at once.
type Key [16]byte

// IsZero tells whether there is no key.
func (k Key) IsZero() bool { return k == Key{} }

// String does not show the key.
func (k Key) String() string {
	if k.IsZero() {
		return "no key"
	}
	return "a key"
}

// Position is how far a stream was followed. The zero value is before everything.
type Position struct {
	Stream   time.Time // when the stream was made that the rest is about
	Sequence uint64    // in the stream
	Stored   time.Time // when the message of that sequence was stored
}

// Errors of a store that has lost what it had stored: by a restore from a backup, or an operator's
// mistake.
var (
	// ErrLost says that what is stored of a meeting is older than what was read or stored before.
	ErrLost = errors.New("what was stored of the meeting is lost")
	// ErrAnew says that the stream is not the one that was followed, or has gone back: nothing that
	// was read of it before can be relied upon.
	ErrAnew = errors.New("the stream began anew")
	// ErrRemembered says that the server still remembers the ids of events that are not stored any
	// more, and refuses to store them again until its duplicate window is over. Nothing is stored;
	// trying again helps within minutes.
	ErrRemembered = errors.New("the server refuses events that were lost, as it remembers their ids for a while yet")
)
