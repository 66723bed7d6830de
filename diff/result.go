package diff

import (
	"slices"

	"github.com/c4342123/rollcall/events"
)

// Result is the outcome of one comparison, or of several that were made one after the other; see
// [Result.Then].
type Result struct {
	// Events in the order of their sequence. Source and RecordedTime are left to the store.
	Events []events.Event
	// State follows from the previous state and Events.
	State *State
	// Changed says that State holds more news than the time of the look: it is to be stored even
	// without events.
	Changed bool
	// LookNow says that the next whole look is to decide something, and should come soon: a push
	// showed what it cannot prove, or a person is missing from the list for the first time.
	LookNow bool
	// Began says that the meeting is watched from now on, and was not before.
	Began bool
	// UnknownStatus counts the rows whose status is none of the documented ones.
	UnknownStatus int

	own    cause    // of a result that is not joined
	joined []part   // of one that is: all its events come from these, in order
	each   []Result // see [Result.Each]
}

// cause is what the events of one result come from. A result that is no comparison, but says
// something of the meeting itself, has no changes: its events belong together.
type cause struct {
	base    *State // what was compared with
	changes []change
	at      int64 // when what was compared was observed, Unix milliseconds
	end     bool  // the events say that the meeting is over
}

// part is one of the results that were joined, as far as it has events.
type part struct {
	cause
	state *State // follows from base and the events
	count int    // of its events
}

// Then returns what both results together say: other follows from the state of r.
func (r Result) Then(other Result) Result {
	joined := r.parts()
	r.joined, r.own = append(slices.Clip(joined), other.parts()...), cause{}
	r.each = nil
	r.Events = append(slices.Clip(r.Events), other.Events...)
	r.State = other.State
	r.Changed, r.LookNow, r.Began = r.Changed || other.Changed, r.LookNow || other.LookNow, r.Began || other.Began
	r.UnknownStatus += other.UnknownStatus
	return r
}

// Each is what each intent of an [All] gave, of the result that its Apply returned.
func (r Result) Each() []Result { return r.each }

// parts are the results that were joined, in order: one that was not joined is its own part. A
// result without events is none, as what comes after it begins with its state.
func (r Result) parts() []part {
	if r.joined != nil || len(r.Events) == 0 {
		return r.joined
	}
	return []part{{cause: r.own, state: r.State, count: len(r.Events)}}
}
