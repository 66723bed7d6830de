package budget

import (
	"math"
	"time"
)

// PerSecond returns how many calls a second all replicas together may make at this hour on average
// so that the month's calls last to its end: +Inf without a limit, 0 when nothing is left but the
// reserve for last looks.
func (m *Month) PerSecond() float64 {
	return m.average((*Month).pace)
}

// average returns a number of calls a second, which is worked out with mu held, while the month
// has any: +Inf without a limit, 0 when upstream says that nothing is left.
func (m *Month) average(of func(m *Month, now time.Time) float64) float64 {
	if m == nil || m.opts.Limit == 0 {
		return math.Inf(1)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, _ := m.time()
	if m.exhausted(now) != nil {
		return 0
	}
	return of(m, now)
}

// pace is PerSecond as long as upstream has not said that nothing is left. The caller holds mu.
func (m *Month) pace(now time.Time) float64 {
	return m.hours.pace(float64(max(m.left(now)-m.kept(Look, now), 0)), now)
}

// PerMeeting returns how many calls a second a meeting may take on average while it goes on, so
// that the month's calls last to its end: what is left for looks, by the hours that meetings are to
// be expected to go on yet. +Inf without a limit. What was saved is not spent in a rush: it is no
// more than the whole month would have allowed for.
func (m *Month) PerMeeting() float64 {
	return m.average((*Month).recentShare)
}

// recentShare is PerMeeting as it was worked out at most [shareAge] ago. The caller holds mu.
func (m *Month) recentShare(now time.Time) float64 {
	if age := now.Sub(m.sharedAt); age < 0 || age >= shareAge {
		m.share, m.sharedAt = m.shared(now), now
	}
	return m.share
}

const (
	// shareAge is how long what [Month.PerMeeting] returns is good.
	shareAge = 10 * time.Second
	// usualPart, usualHeld and usualBegun are what is expected of a month of which nothing is
	// known: so many hours of meetings and meetings for each call of the limit, and this counts as
	// much as such a part of a month.
	usualPart  = 0.015
	usualHeld  = 0.08
	usualBegun = 0.09
	// closing is how many calls the end of a meeting takes.
	closing = 2
)

// shared is PerMeeting, calculated. The caller holds mu.
func (m *Month) shared(now time.Time) float64 {
	limit, t := float64(m.limit(now)), m.tallied(now)
	held, begun, rest := m.expected(now, t)
	seek := 0.0
	if s := m.spacing(now, t); !math.IsInf(s, 1) {
		_, end := bounds(now)
		seek = m.hours.between(now, end) / s
	}
	left := float64(m.left(now)-m.kept(Look, now)) - seek - closing*begun*rest
	perHour := left / max(held*rest, 1e-6)
	return max(min(perHour, limit/held), 0) / 3600
}

// expected returns how long meetings are to be expected to go on in the whole month, in hours
// together, how many of them begin, and what part of the month is left. The caller holds mu.
func (m *Month) expected(now time.Time, t tally) (held, begun, rest float64) {
	limit := float64(m.limit(now))
	rest = m.hours.leftPart(now)
	passed := 1 - rest
	begin, _ := bounds(now)
	if first := time.UnixMilli(t.First).In(m.opts.Location); t.First > 0 && first.After(begin) {
		passed = max(m.hours.restOf(first)-rest, 0)
	}
	held, begun = usualHeld*limit, usualBegun*limit
	if m.before.Begun > 0 {
		held, begun = m.before.Held, m.before.Begun
	}
	held = (held*usualPart + t.Held) / (usualPart + passed)
	begun = (begun*usualPart + t.Begun) / (usualPart + passed)
	return held, begun, rest
}
