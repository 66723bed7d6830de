package diff

import "github.com/c4342123/rollcall/events"

// account is what has been announced of one person, while a comparison adds to it.
type account struct {
	person     int32
	start, end int64 // the last announced attendance; end 0 while open
	visits     uint32
	status     uint8 // of the last announcement or look
	after      int64 // order of the person's last change
}

func (a *account) open() bool { return a.start > 0 && a.end == 0 }

// person compares what the snapshot shows of one person with what was announced.
func (c *comparison) person(i int32) {
	if c.settled(i) {
		return
	}
	c.attendances = c.attendances[:0]
	p := &c.next.people[i]
	acc := account{person: i, start: p.start, end: p.end, visits: p.visits, status: c.listedBefore(i)}
	if c.first[i] == 0 {
		c.absent(&acc)
	} else {
		seen := c.read(i)
		if c.snap.Kind == Partial {
			c.pushed(&acc, &seen)
		} else {
			c.shown(&acc, &seen)
			c.note(i, &seen)
		}
	}
	if c.snap.Over && acc.open() {
		c.closeOut(&acc)
	}
	if c.snap.Kind != Partial && c.first[i] > 0 && !acc.open() {
		c.late(&acc)
	}
}

// listedBefore is the status person i had before this snapshot.
func (c *comparison) listedBefore(i int32) uint8 {
	if int(i) < len(c.prev.people) {
		return c.prev.people[i].status
	}
	return 0
}

// settled recognises the common case, somebody of whom one row shows just what was announced, without further ado.
func (c *comparison) settled(i int32) bool {
	r := c.first[i]
	if r == 0 || c.link[r-1] != 0 || c.snap.Over || c.snap.Kind == Partial {
		return false
	}
	row, p := &c.snap.Rows[r-1], &c.next.people[i]
	if p.flags&^guest != rolesOf(row)|oneRow || int(p.status) != row.Status || string(c.next.nick(p)) != row.UserNick {
		return false
	}
	switch row.Status {
	case StatusActive:
		return p.open() && row.JoinTime == p.start
	case StatusKicked, StatusLeft:
		return p.end > 0 && p.past == 0 && row.JoinTime == p.start
	case StatusInitialised, StatusCalling, StatusFailed:
		return !p.open()
	default:
		return false
	}
}

// shown compares the rows of a whole list.
func (c *comparison) shown(acc *account, seen *listed) {
	if seen.unknown > 0 && seen.open == 0 && !c.snap.Over {
		return // no information: the person keeps the state last announced
	}
	own := c.match(acc)
	if acc.open() {
		if own != nil {
			if !own.open() {
				c.leave(acc, max(own.end, acc.start), own.status, own.inferEnd, "")
			}
		} else {
			c.lost(acc, seen)
		}
	}
	if !acc.open() && acc.start > 0 {
		c.comeBack(acc, own)
	}
	for k := range c.attendances {
		a := &c.attendances[k]
		if a.announced || acc.open() || a.start < acc.start || a.start < acc.end {
			continue
		}
		a.announced = true
		c.join(acc, a.start, a.inferStart, false)
		if !a.open() {
			c.leave(acc, a.end, a.status, a.inferEnd, "")
		}
	}
}

// match finds the attendances of the snapshot that have been announced, marks them, and returns the one that is the
// person's last announced attendance, or nil. What contains the announced start is it; failing that, what starts
// less than two seconds off.
func (c *comparison) match(acc *account) *attendance {
	var own *attendance
	if acc.start > 0 {
		own = c.claim(acc.start, acc.end, forever)
	}
	for v := c.next.people[acc.person].past; v > 0; {
		was := c.next.past[v-1]
		c.claim(was.start, was.end, acc.start)
		v = was.next
	}
	return own
}

// claim marks what belongs to one announced attendance: what contains its start or, failing that, starts near it; and
// what starts inside it, which is presence announced before. What ends after limit is too new to be merely near.
func (c *comparison) claim(start, end, limit int64) *attendance {
	var nearest *attendance
	for k := range c.attendances {
		a := &c.attendances[k]
		if a.contains(start) {
			a.announced = true
			return a
		}
		if a.start > start && a.start < end {
			a.announced = true
		}
		if near(a.start, start) && !a.announced && a.end <= limit && (end == 0 || a.start <= end || near(a.end, end)) &&
			(nearest == nil || distance(a.start, start) < distance(nearest.start, start)) {
			nearest = a
		}
	}
	if nearest == nil || end == 0 && nearest.prior >= start && nearest.prior <= nearest.start {
		return nil // the row was reset within two seconds, and says so
	}
	nearest.announced = true
	return nearest
}

func distance(a, b int64) int64 { return max(a-b, b-a) }

// lost ends an announced open attendance that no interval of a whole list contains.
func (c *comparison) lost(acc *account, seen *listed) {
	for k := range c.attendances {
		if a := &c.attendances[k]; !a.announced && a.start > acc.start {
			c.reset(acc, a)
			return
		}
	}
	switch {
	case seen.timeless:
		end, inferred := seen.timelessLeave, false
		if end < acc.start {
			end, inferred = c.now(acc), true
		}
		c.leave(acc, end, endStatus(seen.timelessKick), inferred, "")
	case seen.quiet > 0:
		c.leave(acc, c.now(acc), seen.status, true, events.ReasonDisconnected)
	default:
		seen.lost = true
		c.vanish(acc)
	}
}

// reset ends an attendance whose row a rejoin has taken over: at the leaveTime that the row kept of it, or at the
// last moment the person was known to be there.
func (c *comparison) reset(acc *account, next *attendance) {
	if left := next.prior; left >= acc.start && left <= next.start {
		c.leave(acc, left, uint8(StatusLeft), false, "")
		return
	}
	c.leave(acc, min(max(c.prev.LookedAt, acc.start), next.start), uint8(StatusLeft), true, "")
}

// comeBack corrects an announced end that the list shows to be untrue, because an open row covers it or that of
// another device does.
func (c *comparison) comeBack(acc *account, own *attendance) {
	for k := range c.attendances {
		a := &c.attendances[k]
		covers := a == own || a.start > acc.start && a.start < acc.end
		if !covers || a.end < acc.end+sameTime || a.start > acc.end {
			continue
		}
		if !a.open() && (a.inferEnd || a.rows == 1 && near(a.start, acc.start)) {
			continue // closed stays closed: one row's leaveTime changed
		}
		a.announced = true
		// An attendance of no length must not be announced a second time under one id.
		c.join(acc, max(acc.end, acc.start+1), true, false)
		if !a.open() {
			c.leave(acc, a.end, a.status, a.inferEnd, "")
		}
		return
	}
}

// absent handles a person no row of the snapshot names.
func (c *comparison) absent(acc *account) {
	if c.snap.Kind != Complete {
		return
	}
	if acc.open() {
		if !c.snap.Over {
			c.vanish(acc)
		}
		return
	}
	if acc.status != 0 {
		p := c.mutable(acc.person)
		p.status = 0
		p.flags &^= oneRow | manyRows
	}
}

// vanish ends the attendance of a person the list shows no longer, the second time in a row.
func (c *comparison) vanish(acc *account) {
	if c.snap.Kind != Complete || c.snap.Over {
		return
	}
	p := c.mutable(acc.person)
	if p.flags.has(missing) {
		p.flags &^= missing | oneRow | manyRows
		c.leave(acc, c.now(acc), 0, true, events.ReasonVanished)
		return
	}
	p.flags |= missing
	c.result.LookNow = true
}

// closeOut ends the attendance of somebody who is still announced as present when the meeting is over.
func (c *comparison) closeOut(acc *account) {
	end, inferred := c.snap.EndTime, false
	for k := range c.attendances {
		if a := &c.attendances[k]; a.open() && a.leave > acc.start {
			end = a.leave
		}
	}
	if end < acc.start {
		end, inferred = c.now(acc), true
	}
	c.leave(acc, end, acc.status, inferred, events.ReasonMeetingEnded)
}

// now is the time of observation, for an attendance that cannot end before it began.
func (c *comparison) now(acc *account) int64 { return max(c.snap.At, acc.start) }

// late announces attendances before the last announced one that no look had shown. They wait until the person is
// gone, so that joined and left go on alternating.
func (c *comparison) late(acc *account) {
	for k := range c.attendances {
		a := &c.attendances[k]
		if a.announced || a.open() || a.end > acc.start {
			continue
		}
		c.join(acc, a.start, a.inferStart, true)
		c.leaveLate(acc, a)
	}
}

func (c *comparison) join(acc *account, at int64, inferred, late bool) {
	acc.visits++
	reason := events.ReasonRejoined
	if acc.visits == 1 {
		reason = events.ReasonJoined
	}
	ch := change{
		person: acc.person, typ: events.Joined, reason: reason, start: at, visit: acc.visits,
		status: uint8(StatusActive), previous: acc.status, inferred: inferred, late: late,
	}
	if !late {
		acc.start, acc.end = at, 0
	}
	c.record(acc, ch)
}

// leave ends the open attendance. An empty reason means that the status tells.
func (c *comparison) leave(acc *account, at int64, status uint8, inferred bool, reason events.Reason) {
	acc.end = at
	c.record(acc, change{
		person: acc.person, start: acc.start, end: at, visit: acc.visits,
		status: status, previous: acc.status, inferred: inferred, reason: reason,
	})
}

func (c *comparison) leaveLate(acc *account, a *attendance) {
	c.record(acc, change{
		person: acc.person, start: a.start, end: a.end, visit: acc.visits, late: true,
		status: a.status, previous: acc.status, inferred: a.inferEnd,
	})
}

func (c *comparison) record(acc *account, ch change) {
	if ch.typ == "" {
		ch.typ = events.Left
		if ch.reason == "" {
			ch.reason = events.ReasonLeft
			if ch.status == uint8(StatusKicked) {
				ch.typ, ch.reason = events.Kicked, events.ReasonKicked
			}
		}
	}
	c.announce(ch, acc.after)
	acc.after = c.changes[len(c.changes)-1].order
	acc.status = ch.status
}
