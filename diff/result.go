package diff

import "github.com/c4342123/rollcall/events"

// Result is the outcome of one comparison.
type Result struct {
	// Events in the order of their sequence. Source and RecordedTime are left to whoever stores them.
	Events []events.Event
	// State follows from the previous state and Events.
	State *State
	// Changed says that State holds more news than the time of the look: it is to be stored even without events.
	Changed bool
	// LookNow says that the next whole look is to decide something, and should come soon: a push showed what it cannot
	// prove, or somebody is missing from the list for the first time.
	LookNow bool
	// UnknownStatus counts the rows whose status is none of the documented ones.
	UnknownStatus int

	base    *State // what was compared with
	changes []change
}

// Step is a part of a result that is consistent in itself: the events and the state that follows from them.
type Step struct {
	Events []events.Event
	State  *State
}

// Steps cuts the result into parts of at most limit events, to be stored one after the other, for a store that takes
// no more at a time. Whoever stops after some of them loses nothing: comparing the same list with the last stored
// state gives the rest. limit is at least 2.
func (r Result) Steps(limit int) []Step {
	limit = max(limit, 2)
	if len(r.Events) <= limit || r.changes == nil {
		return []Step{{Events: r.Events, State: r.State}}
	}
	var steps []Step
	state := r.base
	for from := 0; from < len(r.changes); {
		to := r.cut(from, limit)
		if to == len(r.changes) {
			state = r.State
		} else {
			state = r.prefix(state, from, to)
		}
		steps = append(steps, Step{Events: r.Events[from:to], State: state})
		from = to
	}
	return steps
}

// cut finds where a step that begins at from ends: never inside a late attendance, of which the state between its
// two events could not be told from that of a person who is present.
func (r Result) cut(from, limit int) int {
	to := min(from+limit, len(r.changes))
	if to < len(r.changes) && r.changes[to-1].late && r.changes[to-1].typ == events.Joined {
		to--
	}
	return to
}

// prefix is the state after some of the changes, as if the look had shown nobody else. New people are numbered as in
// the final state, so those whose turn has not come are there, but as never listed.
func (r Result) prefix(state *State, from, to int) *State {
	next := state.clone()
	if from == 0 {
		next.names = append(next.names[:0:0], r.State.names...)
		next.people = append(next.people[:0:0], r.State.people...)
		for i := range next.people {
			next.people[i] = r.unannounced(i)
		}
	}
	next.pushedAt = r.State.pushedAt
	for i := range r.changes[from:to] {
		next.apply(&r.changes[from+i])
	}
	return next
}

// unannounced is person i as before the comparison, under the name that the final state gives them.
func (r Result) unannounced(i int) person {
	named := r.State.people[i]
	var p person
	if i < len(r.base.people) {
		p = r.base.people[i]
	} else {
		p.flags = named.flags & (roles | guest)
	}
	p.name, p.keyLen, p.nickLen = named.name, named.keyLen, named.nickLen
	return p
}
