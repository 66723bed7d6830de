package poller

import "container/heap"

// queue is a heap of the meetings that wait for their next look, the one due first on top.
type queue []*meeting

var _ heap.Interface = (*queue)(nil)

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].due < q[j].due }

func (q queue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].place, q[j].place = int32(i), int32(j)
}

// Push implements heap.Interface; use put.
func (q *queue) Push(x any) {
	m := x.(*meeting)
	m.place = int32(len(*q))
	*q = append(*q, m)
}

// Pop implements heap.Interface; use remove.
func (q *queue) Pop() any {
	old := *q
	m := old[len(old)-1]
	old[len(old)-1] = nil
	*q = old[:len(old)-1]
	m.place = -1
	return m
}

// put queues a meeting, or moves it when it is queued already.
func (q *queue) put(m *meeting, due moment) {
	m.due = due
	if m.place >= 0 {
		heap.Fix(q, int(m.place))
		return
	}
	heap.Push(q, m)
}

// remove takes a meeting out, if it is in.
func (q *queue) remove(m *meeting) {
	if m.place >= 0 {
		heap.Remove(q, int(m.place))
	}
}

// first returns the meeting due first, which is not before a certain moment, and when that is; nil
// when there is none.
func (q queue) first(notBefore moment) (*meeting, moment) {
	if len(q) == 0 {
		return nil, forever
	}
	return q[0], max(q[0].due, notBefore)
}
