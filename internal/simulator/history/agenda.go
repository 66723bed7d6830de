package history

import "container/heap"

// agenda orders meetings by when there is something to tell of them next. A meeting is in it once.
type agenda struct{ all []*Meeting }

// Len, Less, Swap, Push and Pop are those of [heap.Interface].
func (a *agenda) Len() int { return len(a.all) }

func (a *agenda) Less(i, j int) bool {
	x, y := a.all[i], a.all[j]
	return x.teller.due < y.teller.due || x.teller.due == y.teller.due && x.id < y.id
}

func (a *agenda) Swap(i, j int) {
	a.all[i], a.all[j] = a.all[j], a.all[i]
	a.all[i].teller.index, a.all[j].teller.index = i, j
}

func (a *agenda) Push(x any) {
	m := x.(*Meeting)
	m.teller.index = len(a.all)
	a.all = append(a.all, m)
}

func (a *agenda) Pop() any {
	m := a.all[len(a.all)-1]
	a.all = a.all[:len(a.all)-1]
	return m
}

// add enters a meeting.
func (a *agenda) add(m *Meeting) {
	m.teller.due = m.nextTold()
	heap.Push(a, m)
}

// changed moves a meeting of the agenda to where it belongs now.
func (a *agenda) changed(m *Meeting) {
	m.teller.due = m.nextTold()
	heap.Fix(a, m.teller.index)
}

// next returns the meeting of which there is something to tell first; nil if there is none.
func (a *agenda) next() *Meeting {
	if len(a.all) == 0 || a.all[0].teller.due == NothingDue {
		return nil
	}
	return a.all[0]
}
