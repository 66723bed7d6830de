package diff

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
)

// listed is what the rows of one person show, before it is compared with anything.
type listed struct {
	rows, unknown, open int
	notJoined           int   // rows of a person who was called and is not there
	status              uint8 // of the person as a whole
	best                *Row  // the row that names the person
	held                flags // the roles that any of the rows shows, as ones the person had
	unlisted            bool  // no row is of the announced open attendance
	devices             bool  // several rows are of an attendance that goes on
	endWithheld         bool  // an end was not announced, as the list is uncertain
	prior               int64 // leaveTime of an open row, of the visit before

	// A closed row without a joinTime says that an attendance ended, not which; timelessEnd is 0
	// where it does not say when.
	timeless       bool
	timelessEnd    int64
	timelessStatus uint8
}

// read sorts what the rows of person i say into c.intervals and the rest.
func (c *comparison) read(i int32) listed {
	var seen listed
	p := &c.next.people[i]
	c.intervals = c.intervals[:0]
	for r := c.first[i]; r > 0; r = c.link[r-1] {
		row := &c.snap.Rows[r-1]
		seen.rows++
		seen.held |= rolesOf(row).past()
		if seen.best == nil || better(row, seen.best) {
			seen.best = row
		}
		switch row.Status {
		case StatusActive:
			c.readOpen(p, row, &seen)
		case StatusKicked, StatusLeft:
			c.readClosed(p, row, &seen)
		case StatusInitialised, StatusCalling, StatusFailed:
			seen.notJoined++
			seen.status = max(seen.status, uint8(row.Status))
		default:
			seen.unknown++
			c.result.UnknownStatus++
		}
	}
	c.attendances = unite(c.intervals, c.attendances)
	seen.devices = slices.ContainsFunc(c.attendances, func(a attendance) bool { return a.open() && a.rows > 1 })
	switch n := len(c.attendances); {
	case seen.open > 0:
		seen.status = uint8(StatusActive)
	case n > 0:
		seen.status = c.attendances[n-1].status
	case seen.timeless:
		seen.status = seen.timelessStatus
	}
	return seen
}

// readOpen reads a row that shows its person present. Without a joinTime an announced open
// attendance goes on, and another begins now, unless the meeting is over.
func (c *comparison) readOpen(p *person, row *Row, seen *listed) {
	seen.open++
	iv := interval{start: usable(row.JoinTime), end: forever, status: uint8(StatusActive)}
	switch {
	case iv.start > 0:
	case p.open(), c.snap.Over && p.start > 0:
		iv.start = p.start
	case c.snap.Kind == Partial:
		c.result.LookNow = true // a list would give another start, and so another id
		return
	default:
		// The clock may be behind the one that told when an attendance before began or ended.
		iv.start, iv.inferStart = max(c.snap.At, p.end, p.start+1), true
	}
	if leave := usable(row.LeaveTime); leave > iv.start || usable(row.JoinTime) == 0 {
		iv.leave = leave
	} else {
		seen.prior = max(seen.prior, leave)
	}
	c.intervals = append(c.intervals, iv)
}

// readClosed reads a row that shows an attendance that is over. Where it does not say when, an end
// announced before stands, and another is now.
func (c *comparison) readClosed(p *person, row *Row, seen *listed) {
	start, end, status := usable(row.JoinTime), usable(row.LeaveTime), uint8(row.Status)
	if start == 0 {
		switch {
		case !seen.timeless || end > seen.timelessEnd:
			seen.timeless, seen.timelessEnd, seen.timelessStatus = true, end, status
		case end == seen.timelessEnd:
			seen.timelessStatus = min(seen.timelessStatus, status)
		}
		return
	}
	iv := interval{start: start, end: end, status: status}
	if end < start {
		announced, ok := c.next.announcedEnd(p, start)
		if !ok {
			announced, iv.inferEnd = c.snap.At, true
		}
		iv.end = max(announced, start)
	}
	iv.leave = iv.end
	c.intervals = append(c.intervals, iv)
}

// one tells whether the rows can be of one device only: those of visits that are over are of none.
func (l *listed) one() bool {
	return l.rows == 1 || l.open == 1 && l.notJoined == 0 && l.unknown == 0 && !l.timeless
}

// better tells which of two rows of one person names the person: an open one, then the latest, then
// by what does not depend on the order of the rows.
func better(a, b *Row) bool {
	return cmp.Or(
		cmp.Compare(rankOf(a.Status == StatusActive), rankOf(b.Status == StatusActive)),
		cmp.Compare(a.JoinTime, b.JoinTime),
		cmp.Compare(a.Status, b.Status),
		cmp.Compare(rolesOf(a), rolesOf(b)),
		strings.Compare(a.UserNick, b.UserNick),
	) > 0
}

func rankOf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// note keeps how a whole list shows person i: the status, the roles, the nickname and the number of
// rows. The rows of a push have fewer fields and change nothing of a person who is known.
func (c *comparison) note(i int32, seen *listed) {
	p := &c.next.people[i]
	f := rolesOf(seen.best) | p.flags&(guest|renamed) | p.flags.past() | seen.held
	switch {
	case c.snap.Kind != Complete: // what the last complete list said stands
		f |= p.flags & otherDevice
		if seen.one() {
			f |= p.flags & oneRow
		}
	case seen.one():
		f |= oneRow
	}
	if seen.devices {
		f |= otherDevice
	}
	if seen.endWithheld && seen.open == 0 {
		f |= endWithheld
	}
	if seen.unlisted {
		f |= p.flags & missing
	}
	status := seen.status
	if status == 0 {
		status = p.status // rows of unknown status are no information
	}
	nick := clip(seen.best.UserNick, maxNick)
	// A guest keeps the name that was announced.
	sameNick := f.has(guest) || string(c.next.nick(p)) == nick
	if p.flags == f && p.status == status && sameNick {
		return
	}
	p = c.mutable(i)
	p.flags, p.status = f, status
	if !sameNick {
		c.next.name(p, bytes.Clone(c.next.key(p)), nick)
	}
}
