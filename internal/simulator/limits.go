package simulator

import (
	"time"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// maxCallsPerSecond bounds the limit, and so the memory it needs.
const maxCallsPerSecond = 100_000

// window counts calls in the last second.
type window struct {
	times []int64 // Unix nanoseconds, oldest first
	first int     // index of the oldest that counts
}

// count forgets what is older than a second and returns how many calls are left.
func (w *window) count(now time.Time) int {
	oldest := now.Add(-time.Second).UnixNano()
	for w.first < len(w.times) && w.times[w.first] <= oldest {
		w.first++
	}
	if w.first > len(w.times)/2 {
		w.times = append(w.times[:0], w.times[w.first:]...)
		w.first = 0
	}
	return len(w.times) - w.first
}

func (w *window) add(now time.Time) { w.times = append(w.times, now.UnixNano()) }

// limits are those that the platform documents: the app's calls per second of each API, and the
// organisation's calls in a month.
type limits struct {
	perSecond int
	perMonth  int
	windows   map[fault.Class]*window
	month     string
	used      int
}

func newLimits(s Settings) *limits {
	return &limits{perSecond: s.CallsPerSecond, perMonth: s.MonthlyCalls, windows: map[fault.Class]*window{}}
}

// beijing is where the platform's months begin.
var beijing = time.FixedZone("Asia/Shanghai", 8*60*60)

// take counts a call, or returns the kind of fault it meets. Calls for a token or a stream
// connection are not limited; calls rejected for their rate do not count against the month's.
func (l *limits) take(class fault.Class, now time.Time) fault.Kind {
	if class == fault.ClassToken || class == fault.ClassGateway {
		return ""
	}
	if month := now.In(beijing).Format("2006-01"); month != l.month {
		l.month, l.used = month, 0
	}
	if l.perSecond > 0 {
		w := l.windows[class]
		if w == nil {
			w = new(window)
			l.windows[class] = w
		}
		if w.count(now) >= l.perSecond {
			return fault.QPSApp
		}
		w.add(now)
	}
	if l.perMonth > 0 && l.used >= l.perMonth {
		return fault.Quota
	}
	l.used++
	return ""
}
