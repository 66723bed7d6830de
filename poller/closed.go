package poller

import (
	"context"
	"slices"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

// close has a meeting ended that a push says is over: by one last look, as soon as possible. Of
// several such pushes the latest end counts.
func (t *locked) close(conferenceID string, at int64) {
	t.lookSoon(conferenceID, func(m *meeting) {
		m.closed = max(m.closed, at, endUnknown)
		m.asked = true
	})
}

// judgeClosed decides, by the rows of the list that was read because of it, whether a push is right
// that says that the meeting is over. It makes the information call only if the rows leave that
// open: somebody came after the end, there are no rows, or the end may be an earlier one. If that
// call says that the meeting goes on, the push is old or wrong, and denied is true.
//
// If a push that tells of a later end came while the list was read, the next look decides, as this
// list may be older. judgeClosed returns only errors after which no further call makes sense; then
// a later look decides, too.
func (p *Poller) judgeClosed(ctx context.Context, m *look, rows []diff.Row) (denied bool, err error) {
	if m.closing == 0 || p.closedSince(m) {
		return false, nil
	}
	came := m.endsBefore() || m.closing > endUnknown && slices.ContainsFunc(rows, func(r diff.Row) bool {
		return r.Status == diff.StatusActive && r.JoinTime > m.closing
	})
	if m.ending > 0 || !came && len(rows) > 0 {
		m.moveEndPast(rows)
		m.endByPush(p.now())
		return false, nil
	}
	heads, err := p.askInfo(ctx, m)
	switch {
	case stops(ctx, err) && !isTrouble(err, Exhausted):
		return false, err
	case m.ending == 0 && m.infoPutOff > 0: // the call was put off: a later look decides
		return false, nil
	case m.ending == 0 && (came || heads != unknown):
		p.log.Info("a push said that the meeting is over, but it goes on", "meeting", m.id)
		m.closing, m.closeTried = 0, 0
		return true, nil
	default:
		m.endByPush(p.now())
		return false, nil
	}
}

// closedSince tells whether a push came during the look that tells of a later end.
func (p *Poller) closedSince(m *look) bool {
	return guarded.Get(p.table, func(*locked) bool { return m.m.closed > m.closing })
}

// moveEndPast moves the end that a push tells of to when the last of those left who came after it.
// Such an end is that of an earlier period: the push was sent again.
func (m *look) moveEndPast(rows []diff.Row) {
	if m.closing == endUnknown {
		return
	}
	end := m.closing
	for i := range rows {
		if r := &rows[i]; r.JoinTime > m.closing {
			end = max(end, r.LeaveTime)
		}
	}
	m.closing = end
}

// endsBefore tells whether the end that a push tells of is before the meeting's start, or before it
// was watched: it may be an earlier end. As another clock may have told when it was watched, this
// alone decides nothing.
func (m *look) endsBefore() bool {
	s := m.record.State
	return m.closing > endUnknown && m.closing < max(s.StartTime, s.StartedAt-sameClock)
}

// endByPush has the meeting be over because a push said so. What the information call said stands.
func (m *look) endByPush(now moment) {
	if m.ending == 0 {
		m.ending = now
	}
	if m.endTime == 0 && m.closing > endUnknown {
		m.endTime = m.closing
	}
	m.why, m.closing, m.closeTried = events.EndClosed, 0, 0
}

// maxLeft bounds what is kept of pushes that decided nothing, for each meeting.
const maxLeft = 200

// keepLeft keeps those rows of a push that tell that somebody left, which it could not decide: when
// the meeting is closed out without a list, they are all there is to know.
func (m *meeting) keepLeft(rows []diff.Row) {
	for _, row := range rows {
		closed := row.Status == diff.StatusLeft || row.Status == diff.StatusKicked
		known := slices.ContainsFunc(m.left, func(r diff.Row) bool { return r.UnionID == row.UnionID && r.JoinTime == row.JoinTime })
		if closed && !known && len(m.left) < maxLeft {
			m.left = append(m.left, row)
		}
	}
}

// left returns what keepLeft has kept.
func (p *Poller) left(m *look) []diff.Row {
	return guarded.Get(p.table, func(*locked) []diff.Row { return slices.Clone(m.m.left) })
}
