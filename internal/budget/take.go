package budget

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/c4342123/rollcall/poller"
)

const (
	// parcelSeconds is how long a parcel lasts while calls are made at the pace of the month.
	parcelSeconds = 5
	// parcelPart is the part of what is left that the live replicas' parcels make up at most: one of so many.
	parcelPart = 8
	// largestParcel bounds what a crash loses.
	largestParcel = 32
	// listRound is how long listing the organisation's meetings goes on, page by page, once it was allowed.
	listRound = 30 * time.Second
)

// ticket is a number of calls of one month.
type ticket struct {
	month string
	calls int
}

// Take takes one call of this month. Its errors are that of ctx, and a [poller.SourceError] that wraps [ErrSpent] (the
// month has no call left for this purpose, or upstream says so; trouble Exhausted), [ErrHeld] (the month is about to
// change; trouble Throttled), or [ErrUncounted] or [ErrClosed] (trouble Unavailable).
func (m *Month) Take(ctx context.Context, p Purpose) error {
	_, err := m.take(ctx, p)
	return err
}

// take takes one call and says of which month.
func (m *Month) take(ctx context.Context, p Purpose) (ticket, error) {
	if m == nil {
		return ticket{}, nil
	}
	if t, done, err := m.takeDrawn(p); done {
		return t, err
	}
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	if err := m.seize(ctx); err != nil {
		return ticket{}, uncounted(ctx, err)
	}
	defer m.release()
	if t, done, err := m.takeDrawn(p); done { // somebody else has drawn meanwhile
		return t, err
	}
	return m.draw(ctx, p)
}

// takeDrawn takes a call from the parcel, or says that there is none to be had. Else a parcel has to be drawn.
func (m *Month) takeDrawn(p Purpose) (t ticket, done bool, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, ok := m.time()
	switch {
	case m.closed:
		return ticket{}, true, refusal(poller.Unavailable, 0, ErrClosed)
	case !ok:
		return ticket{}, false, nil
	case m.store == nil:
		return ticket{}, true, m.exhausted(now)
	case !m.conn.IsConnected():
		return ticket{}, true, refusal(poller.Unavailable, 0, fmt.Errorf("%w: not connected to NATS", ErrUncounted))
	}
	if err := m.refuse(p, now); err != nil {
		m.note(p, now, err)
		return ticket{}, true, err
	}
	month := m.current(now)
	if p == Discovery || m.parcel.month != month || m.parcel.calls == 0 {
		return ticket{}, false, nil
	}
	m.parcel.calls--
	m.asked.add(now)
	return ticket{month, 1}, true, nil
}

// draw draws a parcel, and takes a call of it. The caller has seized the count.
func (m *Month) draw(ctx context.Context, p Purpose) (ticket, error) {
	for {
		c, n, err := m.plan(p)
		if errors.Is(err, errStale) {
			if err := m.refresh(ctx); err != nil {
				return ticket{}, uncounted(ctx, err)
			}
			continue
		}
		if err != nil {
			return ticket{}, err
		}
		revision, err := m.store.save(ctx, c.month, &c, c.revision)
		if err == nil {
			c.revision = revision
			return m.drawn(c, n), nil
		}
		m.forget()
		if !errors.Is(err, errConflict) {
			return ticket{}, uncounted(ctx, err)
		}
		if err := pause(ctx); err != nil {
			return ticket{}, uncounted(ctx, err)
		}
	}
}

// errStale says that the count has to be read first.
var errStale = errors.New("what is known is too old")

// plan returns the count as it is to be after drawing n calls.
func (m *Month) plan(p Purpose) (c count, n int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now, ok := m.time()
	month := m.current(now)
	if !ok || m.stale || m.known.month != month {
		return count{}, 0, errStale
	}
	if err := m.refuse(p, now); err != nil {
		m.note(p, now, err)
		return count{}, 0, err
	}
	c = m.known
	n = m.parcelSize(p, now)
	c.Drawn += n
	if p == Discovery {
		c.List = max(c.List, now.UnixMilli()) + m.listSpacing(now).Milliseconds()
	}
	return c, n, nil
}

// parcelSize returns how many calls to draw: at least one. The caller holds mu.
func (m *Month) parcelSize(p Purpose, now time.Time) int {
	left := m.opts.Limit - m.known.Drawn - m.kept(p, now)
	live := max(m.opts.Live(), 1)
	if p == Discovery || p == LastLook {
		return 1
	}
	n := min(int(m.pace(now)*parcelSeconds/float64(live)), left/(parcelPart*live), largestParcel)
	return max(n, 1)
}

// drawn takes note of a parcel and takes the first call of it.
func (m *Month) drawn(c count, n int) ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = c
	if m.parcel.month != c.month {
		m.parcel = ticket{month: c.month}
	}
	m.parcel.calls += n - 1
	if now, ok := m.time(); ok {
		m.asked.add(now)
		m.report(now)
	}
	return ticket{c.month, 1}
}

// forget makes sure that the count is read before it is next changed.
func (m *Month) forget() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stale = true
}

// note takes note of a refusal. The caller holds mu.
func (m *Month) note(p Purpose, now time.Time, err error) {
	if p != Discovery && errors.Is(err, ErrSpent) {
		m.asked.refused(now)
		m.report(now)
	}
}

// putBack returns a call that was not made to the parcel, if that is still of its month. Otherwise it is lost.
func (m *Month) putBack(t ticket) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.closed && t.calls > 0 && t.month == m.parcel.month {
		m.parcel.calls += t.calls
	}
}

// valid tells whether a call that was taken may still be made now.
func (m *Month) valid(t ticket) bool {
	if m == nil || m.store == nil {
		return true
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, ok := m.time()
	return ok && t.month == m.current(now) && m.atEdge(now) == 0
}

// refuse returns why no call of this purpose may be made now, nil if one may. The caller holds mu.
func (m *Month) refuse(p Purpose, now time.Time) error {
	if err := m.exhausted(now); err != nil {
		return err
	}
	if wait := m.atEdge(now); wait > 0 {
		return refusal(poller.Throttled, wait, fmt.Errorf("%w while the month changes", ErrHeld))
	}
	if m.left(now) <= m.kept(p, now) {
		_, end := bounds(now)
		return refusal(poller.Exhausted, end.Add(edge).Sub(now), m.spent(p, now))
	}
	if p != Discovery || m.known.month != m.current(now) {
		return nil
	}
	next := time.UnixMilli(m.known.List)
	began := next.Add(-m.listSpacing(now))
	if wait := next.Sub(now); wait > 0 && now.Sub(began) > listRound {
		return refusal(poller.Exhausted, wait, fmt.Errorf("%w for discovery at this pace", ErrSpent))
	}
	return nil
}

// exhausted returns upstream's word that the month's calls are used up, while it counts. The caller holds mu.
func (m *Month) exhausted(now time.Time) error {
	if !now.Before(m.until) {
		return nil
	}
	return refusal(poller.Exhausted, m.until.Sub(now), fmt.Errorf("%w, DingTalk says", ErrSpent))
}

func (m *Month) spent(p Purpose, now time.Time) error {
	_, end := bounds(now)
	which := ""
	if p != LastLook {
		which = fmt.Sprintf(", but for what is kept from a %s", p)
	}
	return fmt.Errorf("%w: %d in %s%s; the next month begins at %s",
		ErrSpent, m.opts.Limit, m.current(now), which, end.Format(time.RFC3339))
}

// uncounted is the refusal of a call that could not be counted. Whoever gave up waiting is told only that.
func uncounted(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return refusal(poller.Unavailable, 0, fmt.Errorf("%w: %w", ErrUncounted, err))
}

// time returns the server's time where months begin, and whether it is to be relied on. The caller holds mu.
func (m *Month) time() (time.Time, bool) {
	now, ok := m.clock.read()
	return now.In(m.opts.Location), ok
}

// current returns which month it is: never one before what another replica has begun. The caller holds mu.
func (m *Month) current(now time.Time) string { return max(monthOf(now), m.newest) }

// atEdge returns how long it is until a call is counted to one month for certain; 0 when it is now. The caller holds mu.
func (m *Month) atEdge(now time.Time) time.Duration {
	begin, end := bounds(now)
	margin := edge + m.clock.slack
	switch {
	case now.Sub(begin) < margin:
		return margin - now.Sub(begin)
	case end.Sub(now) < margin:
		return end.Sub(now) + margin
	default:
		return 0
	}
}

// left returns how many calls are not made yet, as far as is known: what nobody has drawn, and what is in this
// replica's parcel. The caller holds mu.
func (m *Month) left(now time.Time) int {
	month := m.current(now)
	left := m.opts.Limit
	if m.known.month == month {
		left -= m.known.Drawn
	}
	if m.parcel.month == month {
		left += m.parcel.calls
	}
	return max(left, 0)
}

// kept returns how many of the month's calls are not for this purpose. The reserve for last looks is a twentieth of the
// limit and shrinks with the time that it has to last for; discovery has to leave as much again. The caller holds mu.
func (m *Month) kept(p Purpose, now time.Time) int {
	reserve := 0
	if m.opts.Limit >= smallestReserved {
		reserve = int(math.Ceil(float64(m.opts.Limit) / reservePart * m.hours.leftPart(now)))
	}
	switch p {
	case LastLook:
		return 0
	case Discovery:
		return 2 * reserve
	default:
		return reserve
	}
}

const (
	// reservePart is the part of the month's calls that is kept for last looks: one of so many.
	reservePart = 20
	// smallestReserved is the smallest limit of which anything is kept.
	smallestReserved = 5
)
