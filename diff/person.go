package diff

import "github.com/c4342123/rollcall/events"

// account is what has been announced of one person, while a comparison adds to it.
type account struct {
	person      int32
	start, end  int64 // the last announced attendance; end 0 while open
	visits      int
	status      uint8 // of the last announcement or look
	after       int64 // order of the person's last change
	late        bool  // the attendance lies before the last announced one
	endWithheld bool  // the look before was uncertain about an end
	proven      int64 // ends up to this time count, see [comparison.proves]; 0 when none does
}

func (a *account) open() bool { return a.start > 0 && a.end == 0 }

// comparePerson compares what the snapshot shows of one person with what was announced.
func (c *comparison) comparePerson(i int32) {
	p := &c.next.people[i]
	acc := account{person: i, start: p.start, end: p.end, visits: c.next.visits(p), status: p.status, endWithheld: p.flags.has(endWithheld)}
	status := acc.status
	c.attendances = c.attendances[:0]
	switch {
	case len(c.newerPush) > int(i) && c.newerPush[i]:
		c.result.LookNow = c.result.LookNow || !c.agrees(i)
	case c.first[i] == 0:
		status = c.absent(&acc)
	case c.snap.Kind == Partial:
		seen := c.read(i)
		c.comparePush(&acc, &seen)
	default:
		seen := c.read(i)
		c.compareList(&acc, &seen)
		c.note(i, &seen)
		status = seen.status
	}
	if c.snap.Over && acc.open() {
		c.closeOut(&acc, status)
	}
	if c.snap.Kind != Partial && !acc.open() && (acc.proven > 0 || c.snap.Over) {
		c.announceLate(&acc)
	}
}

// asAnnounced recognises the common case: the only row of a person shows just what was announced.
func (s *State) asAnnounced(p *person, row *Row) bool {
	if p.flags&^(lasting&^roles) != rolesOf(row)|oneRow || int(p.status) != row.Status {
		return false
	}
	if !p.flags.has(guest) && string(s.nick(p)) != row.UserNick {
		return false
	}
	return p.agrees(row)
}

// agrees tells whether the only row of a person shows just what was announced, although other
// things may have changed.
func (c *comparison) agrees(i int32) bool {
	r := c.first[i]
	return r > 0 && c.link[r-1] == 0 && c.next.people[i].agrees(&c.snap.Rows[r-1])
}

func (p *person) agrees(row *Row) bool {
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

// absent handles a person no row of the snapshot names, and returns their status now.
func (c *comparison) absent(acc *account) uint8 {
	p := &c.next.people[acc.person]
	switch {
	case c.snap.Kind != Complete:
		return acc.status
	case acc.open():
		c.vanish(acc, 0)
	case p.status != 0 || p.flags&^lasting != 0:
		p = c.mutable(acc.person)
		p.status = 0
		p.flags &= lasting
	}
	return 0
}

// vanish ends an attendance that the list shows no longer, the second time in a row.
func (c *comparison) vanish(acc *account, status uint8) {
	if c.snap.Kind != Complete || c.snap.Over {
		return
	}
	p := c.mutable(acc.person)
	before := p.flags
	p.flags &= lasting
	if !before.has(missing) || c.snap.began() == c.prev.LookedAt {
		p.flags |= missing // the same look twice is one look
		c.result.LookNow = true
		return
	}
	c.leave(acc, c.now(acc), status, true, events.ReasonVanished)
}

// now is the time of observation, for an attendance that cannot end before it began.
func (c *comparison) now(acc *account) int64 { return max(c.snap.At, acc.start) }
