package poller

import (
	"context"
	"slices"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

// close starts the end of a meeting that a push says is over: with one last look, as soon as possible. Of several
// pushes the last tells when the meeting ended.
func (t *locked) close(conferenceID string, at int64) {
	t.lookSoon(conferenceID, func(m *meeting) {
		m.closed = max(m.closed, at, endUnknown)
		m.asked = true
	})
}

// judge decides whether a meeting is over that a push says is, by the rows of the list that was read because of it. The
// information call is made only where these leave it open: somebody came after the end, or there are none, or the end may be an earlier one. When that
// says that the meeting goes on, too, the push is old or wrong. It tells whether that is so.
//
// A push that tells of a later end and came while the list was read leaves the decision to the next look, as that list
// may be older. It returns only errors after which no further call makes sense; then it is yet to be decided, too.
func (p *Poller) judge(ctx context.Context, m *look, rows []diff.Row) (denied bool, err error) {
	if m.closing == 0 || p.closedSince(m) {
		return false, nil
	}
	came := m.endsBefore() || m.closing > endUnknown && slices.ContainsFunc(rows, func(r diff.Row) bool {
		return r.Status == diff.StatusActive && r.JoinTime > m.closing
	})
	if m.ending > 0 || !came && len(rows) > 0 {
		m.outlast(rows)
		m.endByPush(p.now())
		return false, nil
	}
	heads, err := p.askInfo(ctx, m)
	switch {
	case stops(ctx, err) && !isTrouble(err, Exhausted):
		return false, err
	case m.ending == 0 && m.infoPutOff > 0: // it was not asked: later
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

// closedSince tells whether a push came during the look that tells of a later end than those before.
func (p *Poller) closedSince(m *look) bool {
	return guarded.Get(p.table, func(*locked) bool { return m.m.closed > m.closing })
}

// outlast has the meeting end no earlier than somebody left who came after the end that a push tells: that is the end of
// an earlier period, in a push that was sent again.
func (m *look) outlast(rows []diff.Row) {
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

// endsBefore tells whether the end that a push tells lies before the meeting's start, or before it was watched: it may be
// about an earlier end. When it was watched another clock may have told, so that this decides nothing by itself.
func (m *look) endsBefore() bool {
	s := m.record.State
	return m.closing > endUnknown && m.closing < max(s.StartTime, s.StartedAt-sameClock)
}

// endByPush has the meeting be over since a push told so, unless the information call knows better.
func (m *look) endByPush(now moment) {
	if m.ending == 0 {
		m.ending = now
	}
	if m.endTime == 0 && m.closing > endUnknown {
		m.endTime = m.closing
	}
	m.why, m.closing, m.closeTried = events.EndClosed, 0, 0
}
