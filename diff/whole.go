package diff

import "github.com/c4342123/rollcall/events"

// shown compares the rows of a whole list.
func (c *comparison) shown(acc *account, seen *listed) {
	if seen.unknown > 0 && (acc.open() || seen.open == 0) && !c.snap.Over {
		c.attendances = c.attendances[:0] // no information: the person keeps the state last announced
		return
	}
	own := c.match(acc)
	if acc.open() && seen.prior >= acc.start && (own == nil || !own.contains(acc.start)) {
		// A rejoin has taken the row over, and it still tells when the visit before ended.
		c.intervals = append(c.intervals, interval{
			start: acc.start, end: seen.prior, leave: seen.prior, status: uint8(StatusLeft),
		})
		c.attendances = unite(c.intervals, c.attendances)
		own = c.match(acc)
	}
	switch {
	case !acc.open():
		c.comeBack(acc, own)
	case own == nil:
		c.lost(acc, seen)
	case !own.open():
		c.leave(acc, max(own.end, acc.start), own.status, own.inferEnd, "")
	}
	for k := range c.attendances {
		a := &c.attendances[k]
		if a.announced || acc.open() || a.start < acc.start || a.start < acc.end {
			continue
		}
		a.announced = true
		c.join(acc, a.start, a.inferStart)
		if !a.open() {
			c.leave(acc, a.end, a.status, a.inferEnd, "")
		}
	}
}

// lost ends an announced open attendance that no interval of a whole list contains. When a rejoin has taken over its
// row without saying when the visit before ended, it ended after the last look that showed it.
func (c *comparison) lost(acc *account, seen *listed) {
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
	case seen.quiet > 0:
		c.leave(acc, c.now(acc), seen.status, true, events.ReasonDisconnected)
	default:
		seen.lost = true
		c.vanish(acc, seen.status)
	}
}

// comeBack corrects an announced end that the list shows to be untrue, because an open row covers it or that of
// another device does.
func (c *comparison) comeBack(acc *account, own *attendance) {
	for k := range c.attendances {
		a := &c.attendances[k]
		covers := a == own || a.start > acc.start && a.start < acc.end
		if !covers || a.start > acc.end || c.lasted(a) < acc.end+sameTime {
			continue
		}
		if !a.open() && (a.inferEnd || a.rows == 1 && near(a.start, acc.start)) {
			continue // closed stays closed: one row's leaveTime changed
		}
		a.announced = true
		// An attendance of no length must not be announced a second time under one id.
		c.join(acc, max(acc.end, acc.start+1), true)
		if !a.open() {
			c.leave(acc, a.end, a.status, a.inferEnd, "")
		}
		return
	}
}

// late announces attendances before the last announced one that no look had shown. They wait until the person is
// gone, so that joined and left go on alternating, and their two events stay together.
func (c *comparison) late(acc *account) {
	for k := range c.attendances {
		a := &c.attendances[k]
		if a.announced || a.open() || a.end > acc.start {
			continue
		}
		before := *acc
		acc.late, acc.after = true, max(acc.after, a.end)
		c.join(acc, a.start, a.inferStart)
		c.leave(acc, a.end, a.status, a.inferEnd, "")
		acc.start, acc.end, acc.late = before.start, before.end, false
	}
}
