package diff

import (
	"cmp"

	"github.com/c4342123/rollcall/events"
)

// compareList compares the rows of a whole list.
func (c *comparison) compareList(acc *account, seen *listed) {
	if seen.unknown > 0 && (acc.open() || seen.open == 0) && !c.snap.Over {
		// No information: the person keeps the state last announced.
		c.attendances = c.attendances[:0]
		return
	}
	own := c.match(acc)
	acc.proven = c.proves(acc, own, seen)
	if acc.proven > 0 && acc.open() && seen.prior >= acc.start && (own == nil || !own.contains(acc.start)) {
		// A rejoin has taken the row over, which still says when the visit before ended.
		c.intervals = append(c.intervals, interval{
			start: acc.start, end: seen.prior, leave: seen.prior, status: uint8(StatusLeft),
		})
		c.attendances = unite(c.intervals, c.attendances)
		own = c.match(acc)
	}
	switch {
	case !acc.open():
		c.comeBack(acc, own, seen)
	case own != nil && own.open():
	case acc.proven == 0, own != nil && !acc.ended(own):
		seen.endWithheld, seen.unlisted = !c.overlooked(acc, own), own == nil
	case own == nil:
		c.endUnlisted(acc, seen)
	default:
		c.leave(acc, max(own.end, acc.start), own.status, own.inferEnd, "")
	}
	for k := range c.attendances {
		if a := &c.attendances[k]; !a.announced && !acc.open() {
			c.announceNew(acc, a, seen)
		}
	}
}

// proves returns up to when the ends that a list shows count. In an uncertain list the row may be
// missing that would show the person as present: that of another device, or of the visit that goes
// on. If another device is known, no end counts. Otherwise an end counts if the look before, as
// uncertain, came after it and showed no open row of the person either; or if there will be no
// other look, as the meeting is over.
func (c *comparison) proves(acc *account, own *attendance, seen *listed) int64 {
	switch {
	case c.snap.Kind == Complete:
		return forever
	case c.overlooked(acc, own):
		return 0
	case c.snap.Over && (acc.endWithheld || !acc.open() || own != nil || seen.notJoined > 0 || seen.timeless || seen.prior >= acc.start || c.pastTheEnd()):
		return forever
	case acc.open() && own == nil && seen.open > 0:
		return 0 // it lacks the row that ended, and may lack that of a device that stayed until this one came
	case acc.endWithheld && c.snap.began() != c.prev.LookedAt:
		return c.prev.LookedAt
	default:
		return 0
	}
}

// pastTheEnd tells whether the list of a meeting that is over shows an attendance from after its
// end.
func (c *comparison) pastTheEnd() bool {
	n := len(c.attendances)
	return n > 0 && c.attendances[n-1].start >= cmp.Or(c.snap.EndTime, c.snap.At)
}

// ended tells whether the end of an attendance counts. Where the list does not tell the end, that
// is when it was seen.
func (a *account) ended(of *attendance) bool {
	return a.proven > 0 && (of.inferEnd || of.end <= a.proven)
}

// overlooked tells whether an uncertain list lacks a device that is known to be in the announced
// open attendance.
func (c *comparison) overlooked(acc *account, own *attendance) bool {
	return acc.open() && c.next.people[acc.person].flags.has(otherDevice) && (own == nil || own.rows == 1)
}

// announceNew announces an attendance that no look had shown: what is not proven to have ended only
// if the person is there.
func (c *comparison) announceNew(acc *account, a *attendance, seen *listed) {
	late := a.start < acc.start || a.start < acc.end
	held := !a.open() && !acc.ended(a)
	seen.endWithheld = seen.endWithheld || held && (!late || a.end <= acc.start)
	if late || held && seen.open == 0 {
		return
	}
	a.announced = true
	c.join(acc, a, a.start, a.inferStart)
	if !a.open() && !held {
		c.leave(acc, a.end, a.status, a.inferEnd, "")
	}
}

// endUnlisted ends an announced open attendance that no interval of a whole list contains. When a
// rejoin has taken over its row without saying when the visit before ended, it ended after the last
// look that showed it.
func (c *comparison) endUnlisted(acc *account, seen *listed) {
	for k := range c.attendances {
		if a := &c.attendances[k]; !a.announced && a.start > acc.start {
			c.leave(acc, min(max(c.prev.LookedAt, acc.start), a.start), uint8(StatusLeft), true, "")
			return
		}
	}
	switch {
	case seen.timeless && seen.timelessEnd >= acc.start:
		c.leave(acc, seen.timelessEnd, seen.timelessStatus, false, "")
	case seen.timeless:
		c.leave(acc, c.now(acc), seen.timelessStatus, true, "")
	case seen.notJoined > 0:
		c.leave(acc, c.now(acc), seen.status, true, events.ReasonDisconnected)
	default:
		seen.unlisted = true
		c.vanish(acc, seen.status)
	}
}

// comeBack corrects an announced end that the list shows to be untrue, because an open row covers
// it or that of another device does.
func (c *comparison) comeBack(acc *account, own *attendance, seen *listed) {
	for k := range c.attendances {
		a := &c.attendances[k]
		covers := a == own || a.start > acc.start && a.start < acc.end
		if !covers || a.start > acc.end || c.lasted(a) < acc.end+sameTime {
			continue
		}
		if !a.open() && (a.inferEnd || a.rows == 1 && near(a.start, acc.start)) {
			continue // closed stays closed: one row's leaveTime changed
		}
		if !a.open() && !acc.ended(a) {
			seen.endWithheld = true
			continue
		}
		a.announced = true
		// An attendance of no length must not be announced a second time under one id.
		c.join(acc, a, max(acc.end, acc.start+1), true)
		if !a.open() {
			c.leave(acc, a.end, a.status, a.inferEnd, "")
		}
		return
	}
}

// announceLate announces attendances before the last announced one that no look had shown. They
// wait until the person is gone, so that joined and left go on alternating, and their two events
// stay together.
func (c *comparison) announceLate(acc *account) {
	for k := range c.attendances {
		a := &c.attendances[k]
		if a.announced || a.open() || a.end > acc.start {
			continue
		}
		before := *acc
		acc.late, acc.after = true, max(acc.after, a.end)
		c.join(acc, a, a.start, a.inferStart)
		c.leave(acc, a.end, a.status, a.inferEnd, "")
		acc.start, acc.end, acc.late = before.start, before.end, false
	}
}
