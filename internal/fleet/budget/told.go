package budget

import "time"

// sameTold is for how long after calls were held back another refusal is about the same limit:
// nothing was bought meanwhile, a call was only tried again.
const sameTold = time.Hour

// tell takes down that upstream said that nothing is left, and is asked again at a time in Unix
// milliseconds. What was drawn then is what the month really has for us: other apps of the
// organisation use the same calls.
func (c *count) tell(until int64) {
	if c.Told == 0 || until-c.Until > (upstreamHold+sameTold).Milliseconds() {
		c.Told = c.Drawn
	}
	c.Until = max(c.Until, until)
}

// limit is how many calls the month has: as set, or as upstream says while that counts. The caller
// holds mu.
func (m *Month) limit(now time.Time) int {
	if told := m.known.Told; told > 0 && m.known.month == monthOf(now) && now.Before(m.until) {
		return min(told, m.opts.Limit)
	}
	return m.opts.Limit
}
