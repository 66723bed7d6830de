package budget

import (
	"fmt"
	"math"
	"time"

	"github.com/c4342123/rollcall/poller"
)

const (
	// reservePart is the part of the month's calls that is kept for last looks: one of so many.
	reservePart = 20
	// smallestReserved is the smallest limit of which anything is kept.
	smallestReserved = 5
)

// refuse returns why no call of this purpose may be made now, nil if one may. The caller holds mu.
func (m *Month) refuse(p Purpose, now time.Time) error {
	if err := m.exhausted(now); err != nil {
		return err
	}
	if wait := m.atEdge(now); wait > 0 {
		return refusal(poller.Throttled, wait, fmt.Errorf("%w while the month changes", ErrHeld))
	}
	if err := m.short(p, now); err != nil {
		_, end := bounds(now)
		return refusal(poller.Exhausted, end.Add(edge).Sub(now), err)
	}
	if p != Discovery || m.known.month != monthOf(now) {
		return nil
	}
	if wait := m.untilList(now); wait > 0 {
		return refusal(poller.Exhausted, wait, fmt.Errorf("%w for discovery at this pace", ErrSpent))
	}
	return nil
}

// exhausted returns upstream's word that the month's calls are used up, while it counts. The caller
// holds mu.
func (m *Month) exhausted(now time.Time) error {
	if !now.Before(m.until) {
		return nil
	}
	return refusal(poller.Exhausted, m.until.Sub(now), fmt.Errorf("%w, DingTalk says", ErrSpent))
}

// short tells whether the calls that are left are not for this purpose. The caller holds mu.
func (m *Month) short(p Purpose, now time.Time) error {
	if m.store == nil || m.left(now) > m.kept(p, now) || p == LastLook && m.graceful(now) {
		return nil
	}
	return m.spent(p, now)
}

func (m *Month) spent(p Purpose, now time.Time) error {
	_, end := bounds(now)
	rest := "none are left"
	switch p {
	case Look, Continued, Asked:
		rest = "those left are for last looks"
	case Discovery:
		rest = "those left are not for discovery"
	}
	return fmt.Errorf("%w: of %d in %s %s; the next month begins at %s",
		ErrSpent, m.opts.Limit, monthOf(now), rest, end.Format(time.RFC3339))
}

// time returns the server's time where months begin, and whether it is to be relied on. It does not
// go back before a month that has begun for another replica. The caller holds mu.
func (m *Month) time() (now time.Time, ok bool) {
	now, ok = m.clock.read()
	if now.Before(m.begun) {
		now = m.begun.Add(edge + m.clock.slack)
	}
	return now.In(m.opts.Location), ok
}

// atEdge returns how long it is until a call is counted to one month for certain; 0 when it is now.
// The caller holds mu.
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

// left returns how many calls are not made yet, as far as is known: what no replica has drawn, and
// what is in this replica's parcel. The caller holds mu.
func (m *Month) left(now time.Time) int {
	month := monthOf(now)
	left := m.limit(now)
	if m.known.month == month {
		left -= m.known.Drawn
	}
	if m.parcel.month == month {
		left += m.parcel.calls
	}
	return max(left, 0)
}

// kept returns how many of the month's calls are not for this purpose. The reserve for last looks
// is a twentieth of the limit and shrinks with the time that it has to last for; discovery has to
// leave as much again. The caller holds mu.
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
