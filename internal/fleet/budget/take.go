package budget

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/poller"
)

const (
	// parcelSeconds is how long a parcel lasts while calls are made at the pace of the month.
	parcelSeconds = 5
	// parcelPart is the part of what is left that the live replicas' parcels make up at most: one
	// of so many.
	parcelPart = 8
	// largestParcel bounds what a crash loses.
	largestParcel = 32
)

// ticket is a number of calls of one month.
type ticket struct {
	month string
	calls int
}

// Take takes one call of this month. Its errors are that of ctx, and a [poller.SourceError] that
// wraps [ErrSpent] (the month has no call left for this purpose, or upstream says so; trouble
// Exhausted), [ErrHeld] (the month is about to change; trouble Throttled), or [ErrUncounted] or
// [ErrClosed] (trouble Unavailable).
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

// takeDrawn takes a call from the parcel, or says that there is none to be had. Else a parcel has
// to be drawn.
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
		err := m.exhausted(now)
		m.note(p, now, err)
		return ticket{}, true, err
	case !m.store.ready():
		return ticket{}, true, refusal(poller.Unavailable, 0, fmt.Errorf("%w: not connected to NATS", ErrUncounted))
	}
	err = m.refuse(p, now)
	if m.note(p, now, err); err != nil {
		return ticket{}, true, err
	}
	month := monthOf(now)
	if p == Discovery || m.parcel.month != month || m.parcel.calls == 0 {
		return ticket{}, false, nil
	}
	m.parcel.calls--
	m.asked.add(now)
	return ticket{month, 1}, true, nil
}

// draw draws a parcel, and takes a call of it. It tries with what is known of the count first, as
// that is true unless another replica has drawn since. The caller has seized the count.
func (m *Month) draw(ctx context.Context, p Purpose) (ticket, error) {
	for wait := time.Duration(0); ; wait = conflictPause {
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
			return m.drawn(p, c, n), nil
		}
		m.forget()
		if !errors.Is(err, errConflict) {
			return ticket{}, uncounted(ctx, err)
		}
		if err := giveWay(ctx, wait); err != nil {
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
	month := monthOf(now)
	if !ok || m.stale || m.known.month != month {
		return count{}, 0, errStale
	}
	err = m.refuse(p, now)
	if m.note(p, now, err); err != nil {
		return count{}, 0, err
	}
	c = m.known
	n = m.parcelSize(p, now)
	// The parcel may hold some yet, but those are not to be had here.
	if c.Drawn += n; c.Drawn > m.opts.Limit && (p != LastLook || !m.graceful(now)) {
		return count{}, 0, refusal(poller.Exhausted, longestWait, m.spent(p, now))
	}
	c.spend(m.opts.Limit, now)
	if p == Discovery {
		c.list(now)
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
	n := min(m.pace(now)*parcelSeconds/float64(live), largestParcel)
	return max(min(int(n), left/(parcelPart*live)), 1)
}

// drawn takes note of a parcel and takes the first call of it.
func (m *Month) drawn(p Purpose, c count, n int) ticket {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known = c
	if m.parcel.month != c.month {
		m.parcel = ticket{month: c.month}
	}
	m.parcel.calls += n - 1
	if now, ok := m.time(); ok {
		if p != Discovery { // which goes by the hours, and teaches nothing of them
			m.asked.add(now)
		}
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

// note takes note of a call that is refused, or is not. The caller holds mu.
func (m *Month) note(p Purpose, now time.Time, err error) {
	refused := p != Discovery && errors.Is(err, ErrSpent)
	if refused {
		m.asked.refused(now)
	}
	if refused || m.failing {
		m.report(now)
	}
}

// putBack returns a call that was not made to the parcel, if that is still of its month. Otherwise
// it is lost.
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
	return ok && t.month == monthOf(now) && m.atEdge(now) == 0
}

// uncounted is the refusal of a call that could not be counted. A caller that gave up waiting is
// told only that.
func uncounted(ctx context.Context, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return refusal(poller.Unavailable, 0, fmt.Errorf("%w: %w", ErrUncounted, err))
}
