package diff

// Record is a state as it is stored: the state and the revision that guards it.
type Record struct {
	State *State
	// Revision is the stream sequence of the message that holds the state; 0 when nothing is stored yet.
	Revision uint64
}
