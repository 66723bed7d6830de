package budget

import "time"

// sameTold is for how long after calls were held back another refusal is about the same limit:
// nothing was bought meanwhile, a call was only tried again.
const sameTold = time.Hour

// tell takes down that upstream said that nothing is left, and is asked again at a time in Unix
// milliseconds. What was drawn then is what the month really has for us: other apps of the
// organisation use the same calls.
func (c *count) tell(until int64) {
	if c.Told == 0 || anotherLimit(c.Until, until) {
		c.Told = c.Drawn
	}
	c.Until = max(c.Until, until)
}

// anotherLimit tells whether two refusals are about limits of their own, by until when calls are held
// back for each, in Unix milliseconds.
func anotherLimit(before, until int64) bool {
	return until-before > (upstreamHold + sameTold).Milliseconds()
}

// limit is how many calls the month has: as set, or as upstream says while that counts. The caller
// holds mu.
func (m *Month) limit(now time.Time) int {
	if told := m.known.Told; told > 0 && m.known.month == monthOf(now) && now.Before(m.until) {
		return min(told, m.opts.Limit)
	}
	return m.opts.Limit
}
