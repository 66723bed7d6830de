package diff

// match finds the attendances of the snapshot that have been announced, marks them, and returns the
// one that is the person's last announced attendance, or nil.
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

// claim finds what belongs to one announced attendance and marks it: what contains its start or,
// failing that, what starts less than two seconds off. What starts inside it is presence announced
// before. What ends after limit is too new to be merely near.
func (c *comparison) claim(start, end, limit int64) *attendance {
	var holds, nearest *attendance
	for k := range c.attendances {
		a := &c.attendances[k]
		switch {
		case a.contains(start):
			holds = a
		case a.start > start && a.start < end:
			a.announced = true
		case a.announced || a.end > limit || !near(a.start, start):
		case end > 0 && a.start > end && !near(a.end, end): // another visit, soon after
		case nearest == nil || distance(a.start, start) < distance(nearest.start, start):
			nearest = a
		}
	}
	if holds == nil {
		holds = nearest
	}
	if holds != nil {
		holds.announced = true
	}
	return holds
}
