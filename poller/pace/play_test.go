package pace_test

import (
	"container/heap"
	"math"
	"math/rand/v2"
)

// How a poller works, whatever its policy. Times are in seconds.
const (
	checkAfter   = 15.0 // without any call
	infoAfter    = 25.0
	shortest     = 1.0
	longest      = 60.0
	pageRows     = 100 // as few as a server may grant
	longList     = 3   // pages from which on the information call comes first
	missedPushes = 0.1 // share of the changes that no push announces, when there are pushes
	vaguePushes  = 0.5 // share of these of which a push says only that something happened
)

// watched is a meeting that is being looked at.
type watched struct {
	*conference
	memory
	place             int
	due               float64
	list, info, check float64 // due
	looked, read      float64 // the last look at the list, or at the head-count instead; the last list
	known             int     // changes up to the last list
	heads, rows       int     // as of the last list
	pages             int     // of the last list; 0 before the first
	announced         []bool  // by a push, by change
	asked             bool    // a push asks for a look
}

// policy decides when to look at which meeting's list.
type policy interface {
	// next returns the meeting whose turn it is, or nil and when to ask again.
	next(q waiting, now float64) (*watched, float64)
	// after returns when the list is due again, after a look that found so many changes nobody had
	// announced.
	after(m *watched, now float64, changes int) float64
	// stretch is by how much rarer information calls are than wanted.
	stretch() float64
	over(m *watched)
}

// outcome is how a day went.
type outcome struct {
	delays []float64 // of every change that no push announced, until it was seen
	ends   []float64 // of every end
	calls  int
}

// player plays a day.
type player struct {
	policy policy
	rate   float64 // calls per second
	now    float64
	queue  waiting
	vague  pushes
	outcome
}

// play looks at a day's meetings by a policy. With pushes, most changes are announced.
func play(day []*conference, rate float64, pushed bool, by policy) *outcome {
	p := &player{policy: by, rate: rate}
	r := rand.New(rand.NewPCG(5, 5))
	coming := make([]*watched, len(day))
	for i, c := range day {
		coming[i] = &watched{
			conference: c, place: -1, due: c.start, list: c.start, info: c.start + r.Float64()*infoAfter, check: math.Inf(1),
			looked: c.start, read: c.start, announced: make([]bool, len(c.changes)),
		}
		if pushed {
			p.push(r, coming[i])
		}
	}
	heap.Init(&p.vague)
	for len(coming) > 0 || len(p.queue) > 0 {
		for len(coming) > 0 && coming[0].start <= p.now {
			heap.Push(&p.queue, coming[0])
			coming = coming[1:]
		}
		p.heed()
		m, wake := p.policy.next(p.queue, p.now)
		if m != nil {
			p.look(m)
			continue
		}
		if len(coming) > 0 {
			wake = min(wake, coming[0].start)
		}
		if len(p.vague) > 0 {
			wake = min(wake, p.vague[0].at)
		}
		p.now = max(wake, p.now)
	}
	return &p.outcome
}

// push draws which changes are announced.
func (p *player) push(r *rand.Rand, m *watched) {
	for i, c := range m.changes {
		u := r.Float64()
		m.announced[i] = u >= missedPushes
		if u < missedPushes*vaguePushes {
			p.vague = append(p.vague, push{c.at, m})
		}
	}
}

// heed lets the pushes that say too little ask for looks.
func (p *player) heed() {
	for len(p.vague) > 0 && p.vague[0].at <= p.now {
		m := heap.Pop(&p.vague).(push).about
		if m.place < 0 {
			continue
		}
		m.asked, m.list = true, m.looked+shortest
		m.due = min(m.due, m.list-longest) // ahead of those that are merely due
		heap.Fix(&p.queue, m.place)
	}
}

// look makes the calls that are due for a meeting.
func (p *player) look(m *watched) {
	heap.Remove(&p.queue, m.place)
	list, info := m.list <= p.now, m.info <= p.now
	if !list && !info {
		info = true
	}
	if info && list && m.pages >= longList && m.read+longest > p.now && !m.asked {
		list = false
	}
	m.asked = false
	if info {
		p.call(1)
		m.info = p.now + infoAfter*p.policy.stretch()
		if p.now > m.end {
			p.ends = append(p.ends, p.now-m.end)
			p.read(m)
			p.policy.over(m)
			return
		}
		if heads, _ := m.count(p.now); heads != m.heads {
			list = true
		}
	}
	changes := 0
	if list {
		changes = p.read(m)
	}
	if list || m.list <= p.now {
		m.looked = p.now
		m.list = p.policy.after(m, p.now, changes)
	}
	if m.heads == 0 && changes > 0 {
		m.info = min(m.info, p.now+shortest) // everybody has gone
	}
	m.check = p.now + checkAfter*p.policy.stretch()
	m.due = min(m.list, m.info, m.check)
	heap.Push(&p.queue, m)
}

func (p *player) call(n int) { p.calls += n; p.now += float64(n) / p.rate }

// read reads the list, and returns how many changes in it no push had announced.
func (p *player) read(m *watched) int {
	heads, known := m.count(p.now)
	for m.rows < len(m.arrivals) && m.arrivals[m.rows] <= p.now {
		m.rows++
	}
	m.pages = max(1, (m.rows+pageRows-1)/pageRows)
	p.call(m.pages)
	found := 0
	for i := m.known; i < known; i++ {
		if !m.announced[i] {
			found++
			p.delays = append(p.delays, p.now-m.changes[i].at)
		}
	}
	m.heads, m.known, m.read = heads, known, p.now
	return found
}

// count returns how many people are in the meeting, and how many changes there were.
func (m *watched) count(now float64) (heads, known int) {
	heads, known = m.heads, m.known
	for known < len(m.changes) && m.changes[known].at <= now {
		heads += m.changes[known].delta
		known++
	}
	return heads, known
}

// waiting is a heap by due time.
type waiting []*watched

func (q waiting) Len() int           { return len(q) }
func (q waiting) Less(i, j int) bool { return q[i].due < q[j].due }
func (q waiting) Swap(i, j int)      { q[i], q[j] = q[j], q[i]; q[i].place, q[j].place = i, j }
func (q *waiting) Push(x any)        { m := x.(*watched); m.place = len(*q); *q = append(*q, m) }
func (q *waiting) Pop() any {
	last := len(*q) - 1
	m := (*q)[last]
	*q, m.place = (*q)[:last], -1
	return m
}

// push is one that says too little.
type push struct {
	at    float64
	about *watched
}

// pushes is a heap by time.
type pushes []push

func (q pushes) Len() int           { return len(q) }
func (q pushes) Less(i, j int) bool { return q[i].at < q[j].at }
func (q pushes) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *pushes) Push(x any)        { *q = append(*q, x.(push)) }
func (q *pushes) Pop() any {
	last := len(*q) - 1
	p := (*q)[last]
	*q = (*q)[:last]
	return p
}
