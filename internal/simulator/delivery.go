package simulator

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// damage is what is wrong with a push.
type damage []fault.Kind

func (d damage) has(kind fault.Kind) bool { return slices.Contains(d, kind) }

// delivery is one event on its way to the webhook or over the stream.
type delivery struct {
	class    fault.Class
	event    *pushEvent
	damage   damage
	once     bool // a forgery: nobody sends it again
	attempts int  // so far

	messageID string    // over the stream
	awaiting  bool      // it has been sent over the stream and not been acknowledged
	at        time.Time // when it is to be sent or, awaiting, when waiting ends
	order     uint64    // among those of the same time
	index     int       // in the schedule, -1 when it is not there
}

func newDelivery(class fault.Class, e *pushEvent, d damage) *delivery {
	return &delivery{class: class, event: e, damage: d, index: -1}
}

// lane names those whose order is kept: the pushes about one meeting on one way.
func (d *delivery) lane() string { return string(d.class) + "/" + d.event.conferenceID() }

// maxWaiting bounds the deliveries that wait for their time.
const maxWaiting = 100_000

// schedule holds what is to be done later, the earliest first.
type schedule struct {
	all   []*delivery
	added uint64
}

// Len, Less, Swap, Push and Pop are those of [heap.Interface].
func (s *schedule) Len() int { return len(s.all) }

func (s *schedule) Less(i, j int) bool {
	return cmp.Or(s.all[i].at.Compare(s.all[j].at), cmp.Compare(s.all[i].order, s.all[j].order)) < 0
}

func (s *schedule) Swap(i, j int) {
	s.all[i], s.all[j] = s.all[j], s.all[i]
	s.all[i].index, s.all[j].index = i, j
}

func (s *schedule) Push(x any) {
	d := x.(*delivery)
	d.index = len(s.all)
	s.all = append(s.all, d)
}

func (s *schedule) Pop() any {
	last := len(s.all) - 1
	d := s.all[last]
	s.all[last] = nil
	s.all = s.all[:last]
	d.index = -1
	return d
}

// add enters a delivery, unless there are too many.
func (s *schedule) add(d *delivery, at time.Time) bool {
	if len(s.all) >= maxWaiting {
		return false
	}
	s.added++
	d.at, d.order = at, s.added
	heap.Push(s, d)
	return true
}

// remove takes a delivery out, if it is there.
func (s *schedule) remove(d *delivery) {
	if d.index >= 0 {
		heap.Remove(s, d.index)
	}
}

// due takes out the first delivery whose time has come; nil if there is none.
func (s *schedule) due(now time.Time) *delivery {
	if len(s.all) == 0 || s.all[0].at.After(now) {
		return nil
	}
	return heap.Pop(s).(*delivery)
}
