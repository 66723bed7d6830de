package diff

import "errors"

// version is the first byte of every encoded state, and oldest the lowest that is read. Since
// version 2 a state also says whether its title was given by the one who asked to watch the
// meeting, when the last gap ended, and which looks and pushes came after which. Before, that was
// concluded from times.
const version, oldest = 2, 1

// titleGiven is the bit of [State.TitleGiven].
const titleGiven = 1

// Errors of [UnmarshalState].
var (
	// ErrNewerVersion says that a newer Rollcall wrote the state: this one must not touch it.
	ErrNewerVersion = errors.New("state written by a newer version")
	// ErrCorruptState says that the bytes are no state.
	ErrCorruptState = errors.New("corrupt state")
)
