package budget

import (
	"time"
)

// tally is what the replicas know of a month's meetings, which tells how many calls the rest of it
// will take.
type tally struct {
	// Held is how long meetings went on, together, in hours, and Begun how many began.
	Held  float64 `json:"meeting_hours,omitzero"`
	Begun float64 `json:"meetings,omitzero"`
	// Announced is the part of the starts of late that a push told of, and Pushed when a push about
	// a meeting came last, in Unix milliseconds.
	Announced float64 `json:"announced,omitzero"`
	Pushed    int64   `json:"pushed,omitzero"`
	// First is when the meetings were first listed, in Unix milliseconds; 0 while they were not.
	First int64 `json:"first_list,omitzero"`
}

const (
	// lastStart is what the last start counts for, beside those before, as to whether pushes tell
	// of starts.
	lastStart = 0.6
	// late is how long after a start a push about it may come.
	late = time.Minute
)

// news is what this replica has to add to the tally.
type news struct {
	held   float64
	begun  int
	pushed int64
	// The part that was told of is so much of what it was before, and so much more.
	fades, told float64
	decided     bool // else these say nothing
}

// decide adds whether a push told of a start.
func (n *news) decide(told bool) {
	if !n.decided {
		n.fades, n.told, n.decided = 1, 0, true
	}
	n.fades *= 1 - lastStart
	n.told *= 1 - lastStart
	if told {
		n.told += lastStart
	}
}

// addTo returns a tally with the news.
func (n news) addTo(t tally) tally {
	t.Held += n.held
	t.Begun += float64(n.begun)
	if n.decided {
		t.Announced = n.fades*t.Announced + n.told
	}
	t.Pushed = max(t.Pushed, n.pushed)
	return t
}

// without returns what is left of the news when those before are stored.
func (n news) without(stored news) news {
	n.held = max(n.held-stored.held, 0)
	n.begun -= stored.begun
	if stored.decided {
		n.fades /= stored.fades
		n.told -= n.fades * stored.told
		n.decided = n.fades < 1
	}
	if n.pushed == stored.pushed {
		n.pushed = 0
	}
	return n
}

// urgent tells whether the news are worth storing by themselves: what others do depends on them.
func (n news) urgent(t tally) bool {
	const enough, old = 0.5, 5 * time.Minute
	return n.begun > 0 || n.held >= enough || n.pushed-t.Pushed >= old.Milliseconds()
}

// Began takes note that a meeting began to be watched that started at a time, or at an unknown one,
// and whether a push told of it.
func (m *Month) Began(started time.Time, told bool) {
	if m == nil || m.store == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, _ := m.time()
	m.news.begun++
	at := now
	if !started.IsZero() && started.Before(now) {
		at = started
	}
	m.asked.begun.begin(at.In(m.opts.Location))
	switch {
	case told:
		m.news.decide(true)
	case !started.IsZero() && now.Sub(started) >= late:
		m.news.decide(false)
	}
}

// Missed takes note that lists show changes that pushes should have told: that is as a start that
// they did not tell.
func (m *Month) Missed() {
	if m == nil || m.store == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.news.decide(false)
}

// Pushed takes note of a push about a meeting.
func (m *Month) Pushed() {
	if m == nil || m.store == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, _ := m.time()
	m.news.pushed = max(m.news.pushed, now.UnixMilli())
}

// Held takes note that meetings went on for so many hours, together.
func (m *Month) Held(hours float64) {
	if m == nil || m.store == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.news.held += hours
}

// Telling tells whether pushes can be relied on: else what they do not tell of proves nothing.
func (m *Month) Telling() bool { return m == nil || m.opts.Telling() }

// tallied is what is known of the meetings of the month. The caller holds mu.
func (m *Month) tallied(now time.Time) tally {
	t := m.known.tally
	if m.known.month != monthOf(now) {
		t = m.before.next()
	}
	t = m.news.addTo(t)
	if !m.opts.Telling() {
		t.Announced = 0
	}
	return t
}

// next is what the month after knows when it begins: whether pushes come, and since when no meeting
// was found, if none was.
func (t tally) next() tally {
	out := tally{Announced: t.Announced, Pushed: t.Pushed}
	if t.Begun == 0 {
		out.First = t.First
	}
	return out
}
