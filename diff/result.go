package diff

import "github.com/c4342123/rollcall/events"

// Result is the outcome of one comparison.
type Result struct {
	// Events in the order of their sequence. Source, RecordedTime and DataSchema are left to whoever stores them.
	Events []events.Event
	// State follows from the previous state and Events.
	State *State
	// Changed says that State holds more news than the time of the look: it is to be stored even without events.
	Changed bool
	// LookNow says that a partial snapshot showed something that only a whole look can decide.
	LookNow bool
	// UnknownStatus counts the rows whose status is none of the documented ones.
	UnknownStatus int
}

// Step is a part of a result that is consistent in itself: the events and the state that follows from them.
type Step struct {
	Events []events.Event
	State  *State
}
