package budget

import (
	"context"
	"time"
)

const (
	// clockAge is how long the server's time is counted on from when it was asked for.
	clockAge = 30 * time.Second
	// clockJump is by how much a clock may be set meanwhile, or the machine stand still, unnoticed.
	clockJump = time.Second
	// edge is what is left unused at both ends of a month: a call that is made there could be
	// counted to either.
	edge = 2 * time.Second
	// nearEnd is how long before a month's end it may be that another replica has begun the next
	// one.
	nearEnd = 24 * time.Hour
)

// clock knows the server's time, whatever this machine's clock says.
type clock struct {
	ask func(context.Context) (time.Time, error)
	now func() time.Time
	// server was the server's time when mine was this machine's, give or take slack.
	server, mine time.Time
	slack        time.Duration
}

// reading is what [clock.measure] found out.
type reading struct {
	server, mine time.Time
	slack        time.Duration
}

// measure asks for the server's time.
func (c *clock) measure(ctx context.Context) (reading, error) {
	began := c.now()
	server, err := c.ask(ctx)
	if err != nil {
		return reading{}, err
	}
	return reading{server: server, mine: began, slack: max(c.now().Sub(began), 0)}, nil
}

func (c *clock) set(r reading) { c.server, c.mine, c.slack = r.server, r.mine, r.slack }

// read returns the server's time, and whether it is to be relied on: not when it was asked for too
// long ago, and not when this machine's clock was set or the machine slept since.
func (c *clock) read() (now time.Time, ok bool) {
	if c.ask == nil {
		return c.now(), true
	}
	mine := c.now()
	elapsed := mine.Sub(c.mine)
	jump := mine.Round(0).Sub(c.mine.Round(0)) - elapsed // Round takes off the monotonic clock
	ok = !c.server.IsZero() && elapsed >= 0 && elapsed <= clockAge && jump.Abs() < clockJump
	return c.server.Add(elapsed), ok
}

// monthOf names the calendar month of a time in its location.
func monthOf(t time.Time) string { return t.Format("2006-01") }

// bounds returns when the month of t began and when the next one begins, where t is.
func bounds(t time.Time) (begin, end time.Time) {
	begin = time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
	return begin, begin.AddDate(0, 1, 0)
}
