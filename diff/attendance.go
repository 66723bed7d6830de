package diff

import (
	"cmp"
	"math"
	"slices"

	"github.com/c4342123/rollcall/events"
)

const (
	// sameTime is how far two looks may differ, in milliseconds, about one and the same time: a
	// push and a list may round differently.
	sameTime = 2000
	forever  = math.MaxInt64
	// maxTime is a millisecond before the last that an event can say: an attendance may have to be
	// announced a millisecond late.
	maxTime = events.MaxTime - 1
)

// interval is what one row says about presence. end is forever while the row is open.
type interval struct {
	start, end int64
	status     uint8 // 5 or 6 when closed
	inferStart bool
	inferEnd   bool
	// leave is when it ends if the meeting is over: an open row may carry its own leaveTime then. 0
	// if the row has none.
	leave int64
}

// attendance is a union of overlapping intervals.
type attendance struct {
	interval
	rows      int
	announced bool // matched with an attendance announced before
}

func (a *attendance) open() bool { return a.end == forever }

// contains tells whether t is in the attendance. Its end is not, but its start always is, so that
// an attendance of no length contains its one moment.
func (a *attendance) contains(t int64) bool { return a.start == t || a.start <= t && t < a.end }

// usable returns t, or 0 when it is no time at all.
func usable(t int64) int64 {
	if t < 0 || t > maxTime {
		return 0
	}
	return t
}

func near(a, b int64) bool { return distance(a, b) < sameTime }

func distance(a, b int64) int64 { return max(a-b, b-a) }

// unite turns the intervals of one person into attendances, in time order. Intervals that overlap
// or start together are one attendance; intervals that only touch are two, as a look in between
// would have shown two.
func unite(intervals []interval, into []attendance) []attendance {
	slices.SortFunc(intervals, func(a, b interval) int {
		return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(b.status, a.status))
	})
	into = into[:0]
	for _, iv := range intervals {
		if n := len(into); n > 0 && into[n-1].contains(iv.start) {
			into[n-1].extend(iv)
			continue
		}
		into = append(into, attendance{interval: iv, rows: 1})
	}
	return into
}

// extend unites a with an interval that starts in it. Of two rows that close at the same moment the
// kick stands.
func (a *attendance) extend(iv interval) {
	a.rows++
	if iv.start == a.start {
		a.inferStart = a.inferStart && iv.inferStart
	}
	if a.leave > 0 && iv.leave > 0 {
		a.leave = max(a.leave, iv.leave)
	} else {
		a.leave = 0
	}
	switch {
	case iv.end > a.end:
		a.end, a.status, a.inferEnd = iv.end, iv.status, iv.inferEnd
	case iv.end == a.end:
		a.status = min(a.status, iv.status) // kicked is 5, left 6
		a.inferEnd = a.inferEnd && iv.inferEnd
	}
}
