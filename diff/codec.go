package diff

import "errors"

// The versions of an encoded state, of which oldest is the lowest and newest the highest that is
// read; the first byte says which it is. Since unchained a state also says whether its title was
// given by the one who asked to watch the meeting, when the last gap ended, and which looks and
// pushes came after which. Before, that was concluded from times. A chained one says how far the
// chain of its events has come; a state without a chain is still written as unchained, so that a
// Rollcall from before can read it.
const (
	oldest    = 1
	unchained = 2
	chained   = 3
	newest    = chained
)

// The bits of an encoded state: [State.TitleGiven], and that its loss is yet to be told, which only
// a chained one has.
const (
	titleGiven = 1 << iota
	restarted
)

// Errors of [UnmarshalState].
var (
	// ErrNewerVersion says that a newer Rollcall wrote the state: this one must not touch it.
	ErrNewerVersion = errors.New("state written by a newer version")
	// ErrCorruptState says that the bytes are no state.
	ErrCorruptState = errors.New("corrupt state")
)
