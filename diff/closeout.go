package diff

import "github.com/c4342123/rollcall/events"

// closeOut ends the attendance of a person who is still announced as present when the meeting is
// over.
func (c *comparison) closeOut(acc *account, status uint8) {
	start, end, inferred := acc.start, c.snap.EndTime, c.snap.endInferred
	for k := range c.attendances {
		a := &c.attendances[k]
		switch {
		case a.open():
			start, end = max(start, a.start), c.lasted(a)
			inferred = c.snap.endInferred && a.leave < a.start
		case c.snap.Kind == Partial && a.contains(acc.start) && c.allGone(acc, a):
			end, inferred, status = max(a.end, start), a.inferEnd, a.status
		}
	}
	if end < start {
		end, inferred = max(c.snap.At, start), true
	}
	c.leave(acc, end, status, inferred, events.ReasonMeetingEnded)
}

// allGone tells whether pushes told of the end of every device that is known of an attendance.
// Where no list could be read any more that is all there will ever be to know of its end.
func (c *comparison) allGone(acc *account, a *attendance) bool {
	return a.rows > 1 || !c.next.people[acc.person].flags.has(otherDevice)
}

// lasted is until when the list shows an attendance, when it comes to proving an announced end
// untrue. The list of a meeting that is over may leave rows open for good. They lasted until the
// meeting's end at most: otherwise comparing such a list again would announce those as present who
// were closed out.
func (c *comparison) lasted(a *attendance) int64 {
	switch {
	case !c.snap.Over || !a.open():
		return a.end
	case a.leave >= a.start:
		return a.leave
	default:
		return c.snap.EndTime
	}
}
