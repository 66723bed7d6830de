package diff

// comparePush compares the rows of a push, which proves less than a whole list: it names some
// devices of a person, and their other rows are unknown.
func (c *comparison) comparePush(acc *account, seen *listed) {
	if seen.unknown > 0 {
		return // no information
	}
	if seen.timeless || seen.notJoined > 0 && acc.open() {
		c.result.LookNow = true // perhaps an end, but not of which attendance
	}
	own := c.match(acc)
	for k := range c.attendances {
		a := &c.attendances[k]
		if a.open() {
			c.pushedOpen(acc, a, a == own)
		} else {
			c.pushedClosed(acc, a, a == own)
		}
	}
}

func (c *comparison) pushedOpen(acc *account, a *attendance, own bool) {
	switch {
	case acc.open():
		if a.start != acc.start {
			c.anotherDevice(acc)
		}
	case own || a.announced || a.start < acc.end:
		c.result.LookNow = true // an old push, or an end that was untrue
	default:
		c.join(acc, a, a.start, a.inferStart)
	}
}

// pushedClosed announces an end at once only if it is certain which attendance ends: another visit
// may have begun within the two seconds that otherwise count as the same time.
func (c *comparison) pushedClosed(acc *account, a *attendance, own bool) {
	switch {
	case acc.open() && a.contains(acc.start) && c.onlyDevice(acc) && !a.inferEnd && a.rows == 1:
		c.leave(acc, max(a.end, acc.start), a.status, false, "")
	case own && !acc.open(), a.announced && !own:
		// announced before
	default:
		c.result.LookNow = true
	}
}

// onlyDevice tells whether the person had one device in the last complete list, and no push named
// another since. While looks are scarce that also goes for a person whom no look has shown, as a
// push told that they came since the last one.
func (c *comparison) onlyDevice(acc *account) bool {
	f := c.next.people[acc.person].flags
	since := c.snap.Scarce && acc.start > max(c.prev.LookedAt, c.prev.StartedAt-oddClock)
	return (f.has(oneRow) || since) && !f.has(otherDevice)
}

func (c *comparison) anotherDevice(acc *account) {
	if !c.next.people[acc.person].flags.has(otherDevice) {
		c.mutable(acc.person).flags |= otherDevice
		c.next.notePush(acc.person)
	}
}
