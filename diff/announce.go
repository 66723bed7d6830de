package diff

import "github.com/c4342123/rollcall/events"

// join announces the start of attendance a, at that time.
func (c *comparison) join(acc *account, a *attendance, at int64, inferred bool) {
	acc.visits++
	acc.start, acc.end = at, 0
	reason := events.ReasonRejoined
	if acc.visits == 1 {
		reason = events.ReasonJoined
	}
	c.announce(acc, change{
		typ: events.Joined, reason: reason, status: uint8(StatusActive), inferred: inferred, devices: a.rows > 1,
	})
}

// leave announces the end of the open attendance. An empty reason means that the status tells.
func (c *comparison) leave(acc *account, at int64, status uint8, inferred bool, reason events.Reason) {
	acc.end = at
	typ := events.Left
	switch {
	case reason != "":
	case status == uint8(StatusKicked):
		typ, reason = events.Kicked, events.ReasonKicked
	default:
		reason = events.ReasonLeft
	}
	c.announce(acc, change{typ: typ, reason: reason, status: status, inferred: inferred})
}

// announce adds a change of the account; it comes after everything announced of the same person
// before.
func (c *comparison) announce(acc *account, ch change) {
	ch.person, ch.number = acc.person, int32(len(c.changes))
	ch.start, ch.end, ch.visit, ch.late = acc.start, acc.end, acc.visits, acc.late
	ch.previous, ch.pushed = acc.status, c.snap.Kind == Partial
	// If the first list was uncertain, the second announces what that one could not prove.
	ch.initial = c.initial || acc.endWithheld && ch.at() <= c.prev.StartedAt
	ch.order = max(ch.at(), acc.after)
	ch.rank = ch.rankAtOnce()
	c.changes = append(c.changes, ch)
	acc.after, acc.status = ch.order, ch.status
}
