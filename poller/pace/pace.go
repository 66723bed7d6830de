// Package pace decides how long to leave between two looks at a meeting. It does no I/O and knows
// no clock: time comes in, so that a simulation can drive it.
//
// The mean time to notice a change is least when every meeting is looked at in proportion to the
// square root of its rate of change over the cost of a look. So the interval is price ×
// √(cost/rate): the rate of change is estimated (see estimate.go), and the price is what makes all
// looks together fit into the calls that may be made (see ledger.go). While there are more calls
// than are wanted the price stays at its lowest, and calls are left unused.
package pace

import (
	"cmp"
	"math"
	"sync"
	"time"
)

// Options configure a [Pacer]. The zero value works.
type Options struct {
	// MinInterval and MaxInterval bound the time between two looks at a meeting's list; 1 s and 60
	// s when zero. MaxInterval is exceeded only when the rate does not allow for it.
	MinInterval, MaxInterval time.Duration
	// InfoInterval is how often the information call is made for each meeting; 25 s when zero.
	InfoInterval time.Duration
	// Rate returns how many calls a second may be made at present. It is asked at every look, must
	// not wait, and may change at any time. 0 means that calls have to wait: the pace stays as it
	// was meanwhile. Nil stands for as many as are wanted.
	Rate func() float64
	// PerMeeting returns how many calls a second each meeting may take on average while a limited
	// number of calls has to last for long; +Inf while there is no such limit, as when nil. Under
	// one calls are saved for their own sake: those that would be of little use are not made,
	// however many are left.
	PerMeeting func() float64
}

const (
	// lowestPrice is the price while calls are plenty. At this price a look is due when, by the
	// estimate, changes have waited for a bit more than a second in all: lowestPrice²/2.
	lowestPrice = 1.5
	// thriftyPrice is the same while calls are saved, and thriftyInterval the longest interval at
	// that price: a meeting of ten is looked at every few minutes.
	thriftyPrice    = 15.0
	thriftyInterval = 30 * time.Minute
	thriftyShortest = 2 * time.Minute
	// staleness is how many times longer than under equal turns the price may make a meeting wait
	// at most.
	staleness = 1.2
	// infoShare is the part of the rate that information calls may take before they, too, become
	// rarer.
	infoShare = 0.25
	// leastRate is the least that counts as a rate.
	leastRate = 1e-9
	// endless is the longest interval.
	endless = 30 * 24 * time.Hour
)

// Look is what a look at a meeting found.
type Look struct {
	Now     time.Time // when the look ended
	New     bool      // it is the first look of all: more will happen soon, whatever it found
	Changes int       // that no push had announced
	People  int       // present now
	Calls   int       // that reading the list takes: its pages; 1 when zero
}

// Meeting is what a [Pacer] remembers of one meeting. The zero value is one that was never looked
// at. It belongs to one Pacer, from the first Looked to Forget; of its copies only one is used.
type Meeting struct {
	estimate
	entry
}

// New tells whether the meeting was not looked at yet.
func (m *Meeting) New() bool { return m.cost == 0 }

// Pacer shares the calls that may be made out among the meetings. It is safe for concurrent use; a
// [Meeting] is used by one goroutine at a time.
type Pacer struct {
	opts Options

	mu     sync.Mutex
	ledger ledger
	last   float64 // rate
}

// New returns a pacer that knows no meeting.
func New(opts Options) *Pacer {
	opts.MinInterval = cmp.Or(opts.MinInterval, time.Second)
	opts.MaxInterval = cmp.Or(opts.MaxInterval, max(time.Minute, opts.MinInterval))
	opts.InfoInterval = cmp.Or(opts.InfoInterval, 25*time.Second)
	return &Pacer{opts: opts, last: math.Inf(1)}
}

// Looked takes note of a look at a meeting and returns how long to leave before the next look at
// its list.
func (p *Pacer) Looked(m *Meeting, s Look) time.Duration {
	m.saw(s)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.remove(&m.entry)
	m.cost, m.root = float32(max(s.Calls, 1)), float32(math.Sqrt(m.rate/float64(max(s.Calls, 1))))
	wait, priced := p.interval(&m.entry)
	p.ledger.add(&m.entry, wait, priced)
	return seconds(wait)
}

// Interval returns how long to leave between the last look at a meeting's list and the next one, as
// matters stand now: the rate, or the other meetings, may have changed since Looked. Before the
// first look it is the shortest interval.
func (p *Pacer) Interval(m *Meeting) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.cost == 0 {
		return p.opts.MinInterval
	}
	e := m.entry
	p.ledger.remove(&m.entry)
	wait, priced := p.interval(&e)
	p.ledger.add(&e, wait, priced)
	m.entry = e
	return seconds(wait)
}

// interval is for a meeting that is not in the ledger, in seconds. It tells whether the price makes
// it, which includes the lowest price.
func (p *Pacer) interval(e *entry) (wait float64, priced bool) {
	shortest, longest, lowest := p.opts.MinInterval.Seconds(), p.opts.MaxInterval.Seconds(), lowestPrice
	each := p.each()
	thrifty := !math.IsInf(each, 1)
	if thrifty {
		shortest, longest, lowest = max(shortest, thriftyShortest.Seconds()), max(longest, thriftyInterval.Seconds()), thriftyPrice
	}
	root := float64(e.root)
	wanted := lowest / root
	priced = shortest < wanted && wanted < longest
	wanted = min(max(wanted, shortest), longest)
	if p.opts.Rate == nil && !thrifty {
		return wanted, priced
	}
	rate := p.rate()
	if thrifty {
		rate = min(rate, each*float64(p.ledger.meetings+1))
	} else {
		rate -= min(p.infos(), rate*infoShare) // these come first
	}
	dear := p.ledger.price(e, rate) / root
	fair := staleness * (p.ledger.cost + float64(e.cost)) / rate
	if wait = min(dear, fair); wait > wanted {
		return wait, dear < fair
	}
	return wanted, priced
}

// each is how many calls a second each meeting may take, +Inf without a limit.
func (p *Pacer) each() float64 {
	if p.opts.PerMeeting == nil {
		return math.Inf(1)
	}
	return max(p.opts.PerMeeting(), leastRate)
}

// rate is how many calls a second may be made.
func (p *Pacer) rate() float64 {
	if p.opts.Rate == nil {
		return math.Inf(1)
	}
	if rate := p.opts.Rate(); rate > leastRate {
		p.last = rate
	}
	return p.last
}

// Forget takes a meeting that is not looked at any more out of the reckoning. Forgetting it twice
// does nothing.
func (p *Pacer) Forget(m *Meeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ledger.remove(&m.entry)
	*m = Meeting{}
}

// Stretch returns by how much longer than wanted meetings have to go without the information call:
// 1 unless these calls would take more than their share of the rate.
func (p *Pacer) Stretch() float64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opts.Rate == nil {
		return 1
	}
	return max(1, p.infos()/(p.rate()*infoShare))
}

// infos is how many information calls a second are wanted.
func (p *Pacer) infos() float64 { return float64(p.ledger.meetings) / p.opts.InfoInterval.Seconds() }

func seconds(s float64) time.Duration {
	return time.Duration(min(s, endless.Seconds()) * float64(time.Second))
}
