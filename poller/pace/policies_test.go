package pace_test

import (
	"math"
	"time"

	"github.com/c4342123/rollcall/poller/pace"
)

// midnight is before the day.
var midnight = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func clock(t float64) time.Time { return midnight.Add(time.Duration(t * float64(time.Second))) }

// memory is what the policy under test remembers of a meeting.
type memory struct{ pace.Meeting }

// paced is the policy under test.
type paced struct{ *pace.Pacer }

func newPaced(rate float64) paced {
	return paced{pace.New(pace.Options{Rate: func() float64 { return rate }})}
}

func (p paced) next(q waiting, now float64) (*watched, float64) { return q.first(now) }
func (p paced) stretch() float64                                { return p.Stretch() }
func (p paced) over(m *watched)                                 { p.Forget(&m.Meeting) }

func (p paced) after(m *watched, now float64, changes int) float64 {
	s := pace.Look{Now: clock(now), New: m.Meeting == (pace.Meeting{}), Changes: changes, People: m.heads, Calls: m.pages}
	return now + p.Looked(&m.Meeting, s).Seconds()
}

// first returns the meeting that is due first, or when it is due.
func (q waiting) first(now float64) (*watched, float64) {
	if len(q) == 0 {
		return nil, math.Inf(1)
	}
	if q[0].due <= now {
		return q[0], 0
	}
	return nil, q[0].due
}

// equalTurns looks at all meetings equally often: every so many seconds, or as often as the rate
// allows. Information calls are as rare as under the policy under test.
type equalTurns struct {
	paced
	every float64
}

func (e equalTurns) after(m *watched, now float64, changes int) float64 {
	e.paced.after(m, now, changes) // for the count of meetings
	return now + e.every
}

// clairvoyant knows at any time what is to be expected of every meeting. It looks where, since the
// last look, the most waiting per call is to be expected, if that is worth a call; which with
// steady rates is the rule of the square root.
type clairvoyant struct {
	paced
	worth float64
}

func (c clairvoyant) after(m *watched, now float64, changes int) float64 {
	c.paced.after(m, now, changes)
	return math.Inf(1)
}

func (c clairvoyant) next(q waiting, now float64) (*watched, float64) {
	var best *watched
	most := c.worth
	for _, m := range q {
		switch {
		case m.pages == 0, m.asked && m.list <= now, m.info <= now:
			return m, 0
		case m.looked+shortest > now:
		default:
			if w := m.waited(now) / float64(m.pages); w >= most {
				best, most = m, w
			}
		}
	}
	if best != nil {
		best.list = now
	}
	return best, now + 0.2
}

// waited is for how long the changes since the last look have been waiting by now, as is to be
// expected.
func (m *watched) waited(now float64) float64 {
	sum := 0.0
	for t := m.looked; t < now; t += rateStep {
		d := min(rateStep, now-t)
		i := min(int((t-m.ratesFrom)/rateStep), len(m.rates)-1)
		sum += m.rates[i] * d * (now - t - d/2)
	}
	return sum
}
