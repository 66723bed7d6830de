package diff

// Record is a state as it is stored, with what guards it.
type Record struct {
	State *State
	// Revision is the stream sequence of the message that holds the state; 0 when nothing is stored yet.
	Revision uint64
	// EventsExpire is when the last stored event of the meeting expires, in Unix seconds; 0 when none is stored, and
	// math.MaxInt64 when events are kept for ever. The state of a closed meeting has to outlive it.
	EventsExpire int64
}
