// Package pace decides how long to leave between two looks at a meeting. It does no I/O and knows no clock: time comes
// in, so that a simulation can drive it.
package pace

import (
	"cmp"
	"math"
	"sync"
	"time"
)

// Options configure a [Pacer]. The zero value works.
type Options struct {
	// MinInterval and MaxInterval bound the time between two looks at a meeting's list; 1 s and 60 s when zero. When the
	// rate allows less, MaxInterval is stretched.
	MinInterval, MaxInterval time.Duration
	// Rate returns how many calls a second may be made at present. It is asked at every look. Nil stands for as many as
	// are wanted.
	Rate func() float64
}

// Sight is what a look at a meeting's list found.
type Sight struct {
	Now     time.Time // when the look ended
	Changes int       // that no push had announced
	People  int       // present now
	Calls   int       // that reading the list takes: its pages; 1 when zero
	Pushed  bool      // pushes about the meeting are alive
}

// Meeting is what a [Pacer] remembers of one meeting. The zero value is a meeting that was never looked at. It belongs to
// one Pacer, from the first Looked to Forget, and must not be copied meanwhile.
type Meeting struct {
	looked int64   // the last look, Unix nanoseconds
	recent float32 // changes, those long ago fading
	demand float32 // what the meeting adds to Pacer.demand
	known  bool
}

// Pacer shares the calls that may be made out among the meetings. It is safe for concurrent use; a Meeting is used by
// one goroutine at a time.
type Pacer struct {
	opts Options

	mu     sync.Mutex
	demand float64 // sum over all meetings of the root of their rate of change times their cost
	known  int     // meetings
}

// New returns a pacer that knows no meeting.
func New(opts Options) *Pacer {
	opts.MinInterval = cmp.Or(opts.MinInterval, time.Second)
	opts.MaxInterval = cmp.Or(opts.MaxInterval, max(time.Minute, opts.MinInterval))
	return &Pacer{opts: opts}
}

// Looked takes note of a look at a meeting's list and returns how long to leave before the next one.
func (p *Pacer) Looked(m *Meeting, s Sight) time.Duration {
	const fade = 60.0
	passed := fade
	if m.known {
		passed = max(time.Duration(s.Now.UnixNano()-m.looked).Seconds(), 0)
	}
	m.looked = s.Now.UnixNano()
	m.recent = float32(float64(m.recent)*math.Exp(-passed/fade)) + float32(s.Changes)
	rate := (float64(m.recent) + 0.1) / fade
	cost := float64(max(s.Calls, 1))

	p.mu.Lock()
	defer p.mu.Unlock()
	if !m.known {
		m.known = true
		p.known++
	}
	p.demand -= float64(m.demand)
	m.demand = float32(math.Sqrt(rate * cost))
	p.demand += float64(m.demand)
	price := 1.0
	if p.opts.Rate != nil {
		price = max(price, p.demand/max(p.opts.Rate(), 1e-6))
	}
	wait := time.Duration(price * math.Sqrt(cost/rate) * float64(time.Second))
	return min(max(wait, p.opts.MinInterval), p.opts.MaxInterval)
}

// Forget takes a meeting that is not looked at any more out of the reckoning. Forgetting it twice does nothing.
func (p *Pacer) Forget(m *Meeting) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.known {
		p.known--
		p.demand -= float64(m.demand)
		*m = Meeting{}
	}
}

// Duties returns how long a meeting may go without any call, and without the information call, so that its end is found.
// They are longer than asked for only when the rate does not allow more.
func (p *Pacer) Duties(check, info time.Duration) (time.Duration, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.opts.Rate == nil {
		return check, info
	}
	stretch := max(1, float64(p.known)/info.Seconds()/max(p.opts.Rate()/4, 1e-6))
	return time.Duration(float64(check) * stretch), time.Duration(float64(info) * stretch)
}
