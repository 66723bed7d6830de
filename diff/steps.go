package diff

import "github.com/c4342123/rollcall/events"

// Step is a part of a result that is consistent in itself: the events and the state that follows
// from them.
type Step struct {
	Events []events.Event
	State  *State
}

// Steps cuts the result into steps of at most limit events, to be stored one after the other, for a
// store that takes no more at a time. A store may stop after some of them: applying the same
// intents to the last stored state gives the rest, and announces nothing twice. limit is at least
// 2.
func (r Result) Steps(limit int) []Step {
	limit = max(limit, 2)
	if len(r.Events) <= limit {
		return []Step{{Events: r.Events, State: r.State}}
	}
	c := cutter{limit: limit, events: r.Events}
	parts := r.parts()
	for i := range parts {
		if p := &parts[i]; p.changes == nil {
			c.meeting(p)
		} else {
			// That the meeting is over is stored together with the event that says so.
			c.compared(p, i+1 < len(parts) && parts[i+1].end)
		}
	}
	c.state = r.State
	c.close()
	return c.steps
}

// cutter cuts the events of a result, part by part.
type cutter struct {
	limit  int
	events []events.Event // from the beginning of the step that is open
	count  int            // events in that step
	state  *State         // follows from them
	steps  []Step
}

// close ends the open step, if there is anything in it.
func (c *cutter) close() {
	if c.count == 0 {
		return
	}
	c.steps = append(c.steps, Step{Events: c.events[:c.count:c.count], State: c.state})
	c.events, c.count = c.events[c.count:], 0
}

// meeting takes in what a part says of the meeting itself, in one piece.
func (c *cutter) meeting(p *part) {
	if c.count+p.count > c.limit {
		c.close()
	}
	c.count, c.state = c.count+p.count, p.state
}

// compared takes in a comparison. If it is open, what the look says of the meeting as a whole is
// left to what follows.
func (c *cutter) compared(p *part, open bool) {
	state := p.base
	for from := 0; from < len(p.changes); {
		to := p.cut(from, c.limit-c.count)
		if to == from {
			c.close()
			continue
		}
		if to == len(p.changes) && !open {
			state = p.state
		} else {
			state = p.prefix(state, from, to)
		}
		c.count, c.state = c.count+to-from, state
		from = to
	}
}

// cut finds where a step that has room for so many changes ends: never inside a late attendance, as
// the state between its two events would show the person as present.
func (p *part) cut(from, room int) int {
	to := min(from+room, len(p.changes))
	if to > from && to < len(p.changes) && p.changes[to-1].late && p.changes[to-1].typ == events.Joined {
		to--
	}
	return to
}

// prefix is the state after some of the changes, as if the look had shown only these people. New
// people are numbered as in the final state, so those whose changes follow are there, but as never
// listed.
func (p *part) prefix(state *State, from, to int) *State {
	next := state.clone()
	if from == 0 {
		next.names = append(next.names[:0:0], p.state.names...)
		next.people = append(next.people[:0:0], p.state.people...)
		for i := range next.people {
			next.people[i] = p.unannounced(i)
		}
	}
	next.edition = p.state.edition
	if p.state.looked != p.base.looked {
		next.looked, next.unfinished = p.state.looked, p.at
	}
	for i := range p.changes[from:to] {
		next.apply(&p.changes[from+i])
	}
	return next
}

// unannounced is person i as before the comparison, under the name that the final state gives them.
func (p *part) unannounced(i int) person {
	named := p.state.people[i]
	var before person
	if i < len(p.base.people) {
		before = p.base.people[i]
	} else {
		before.flags = named.flags & lasting
	}
	before.flags = before.flags&^renamed | named.flags&renamed
	before.name, before.keyLen, before.nickLen = named.name, named.keyLen, named.nickLen
	return before
}
