package budget

import "time"

// graceFor is how long upstream goes on answering after the month's calls are used up: five days at
// most, since 2025-12-01 (DingTalk's announcement of the limits of its editions). How it says that
// they are over is not documented; what it refuses is followed as always.
const graceFor = 5 * 24 * time.Hour

// spend takes note of when the last of the month's calls was drawn.
func (c *count) spend(limit int, now time.Time) {
	switch {
	case c.Drawn < limit:
		c.Spent = 0 // the limit was raised
	case c.Spent == 0:
		c.Spent = now.UnixMilli()
	}
}

// graceful tells whether last looks may be made although the month's calls are used up. The caller
// holds mu.
func (m *Month) graceful(now time.Time) bool {
	if !m.opts.Grace {
		return false
	}
	if m.known.month != monthOf(now) || m.known.Spent == 0 {
		return true // it begins with the call that is asked for
	}
	return now.Before(time.UnixMilli(m.known.Spent).Add(graceFor))
}
