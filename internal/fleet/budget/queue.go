package budget

import "container/list"

// fairTurn is how many of the calls go to those that are not urgent while both kinds wait: one of
// so many.
const fairTurn = 4

// queue holds the calls that wait: urgent ones before others, each kind in the order they came. The
// zero value is empty.
type queue struct {
	urgent, others list.List
	inARow         int // urgent calls that went before others since those had one
}

// waiter is a call that waits.
type waiter struct {
	ready chan struct{} // closed when the wait is over
	err   error         // why no call may be made; set before ready is closed
	list  *list.List    // it is in; nil when it is in none
	place *list.Element
}

func (q *queue) len() int { return q.urgent.Len() + q.others.Len() }

// put adds a call.
func (q *queue) put(urgent bool) *waiter {
	w := &waiter{ready: make(chan struct{}), list: &q.others}
	if urgent {
		w.list = &q.urgent
	}
	w.place = w.list.PushBack(w)
	return w
}

// next removes the call whose turn it is. There has to be one.
func (q *queue) next() *waiter {
	from := &q.others
	switch {
	case q.others.Len() == 0:
		from, q.inARow = &q.urgent, 0
	case q.urgent.Len() > 0 && q.inARow < fairTurn-1:
		from = &q.urgent
		q.inARow++
	default:
		q.inARow = 0
	}
	w := from.Front().Value.(*waiter)
	q.remove(w)
	return w
}

// remove removes a call, if it still waits.
func (q *queue) remove(w *waiter) {
	if w.list != nil {
		w.list.Remove(w.place)
		w.list = nil
	}
}
