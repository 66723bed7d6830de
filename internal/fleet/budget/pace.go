package budget

import (
	"math"
	"time"
)

// listPart is the part of the pace that listing the organisation's meetings may take: one of so many.
const listPart = 4

// PerSecond returns how many calls a second all replicas together may make at this hour on average so that the month's
// calls last to its end: +Inf without a limit, 0 when nothing is left but the reserve for last looks.
func (m *Month) PerSecond() float64 {
	if m == nil || m.opts.Limit == 0 {
		return math.Inf(1)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, _ := m.time()
	if m.exhausted(now) != nil {
		return 0
	}
	return m.pace(now)
}

// UntilList returns how long it is until the organisation's meetings may be listed again, as far as this replica knows,
// without asking NATS; 0 when they may be now. Discovery gets a quarter of the pace: [Month.Take] refuses what comes sooner.
func (m *Month) UntilList() time.Duration {
	if m == nil || m.opts.Limit == 0 {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, _ := m.time()
	if m.known.month != monthOf(now) {
		return 0
	}
	return m.known.untilList(now)
}

// pace is PerSecond but for upstream's word. The caller holds mu.
func (m *Month) pace(now time.Time) float64 {
	return m.hours.pace(float64(max(m.left(now)-m.kept(Look, now), 0)), now)
}

// longestListing bounds the time between two lists.
const longestListing = 24 * time.Hour

// listSpacing returns the time to leave after a call for a list. The caller holds mu.
func (m *Month) listSpacing(now time.Time) time.Duration {
	return min(timeFor(listPart, m.pace(now)), longestListing)
}
