package budget

import "math"

// State is how the month's calls stand.
type State struct {
	// Month is the calendar month, such as 2026-11.
	Month string
	// Limit is how many calls it has, and Left how many of them are not made, as far as this
	// replica knows; both are 0 without a limit.
	Limit, Left int
	// Told says that Limit is what upstream said: no more was left when so many were made.
	Told bool
	// Kept is how many of Left are for last looks only.
	Kept int
	// PerSecond is [Month.PerSecond].
	PerSecond float64
	// Err says why no look is made now; nil if looks are.
	Err error
}

// State returns how the month's calls stand, without asking NATS.
func (m *Month) State() State {
	if m == nil {
		return State{PerSecond: math.Inf(1)}
	}
	perSecond := m.PerSecond()
	m.mu.Lock()
	defer m.mu.Unlock()
	now, _ := m.time()
	s := State{Month: monthOf(now), PerSecond: perSecond, Err: m.exhausted(now)}
	if m.opts.Limit == 0 {
		return s
	}
	s.Limit, s.Left, s.Kept = m.limit(now), m.left(now), m.kept(Look, now)
	s.Told = s.Limit < m.opts.Limit
	if s.Err == nil {
		s.Err = m.short(Look, now)
	}
	return s
}
