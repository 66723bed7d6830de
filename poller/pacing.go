package poller

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/c4342123/rollcall/poller/guarded"
	"github.com/c4342123/rollcall/poller/pace"
)

// paceList decides when the list is due again. first says that this was the first look of all,
// changes how many changes it found that no push had announced.
func (p *Poller) paceList(m *look, first bool, changes int) {
	m.interval = p.pacer.Looked(&m.pace, pace.Look{
		Now: time.Now(), New: first, Changes: changes, People: m.record.State.Active, Calls: int(m.pages),
	})
	now := p.now()
	if p.thrifty() && guarded.Get(p.table, (*locked).proven) {
		m.interval = max(m.interval, provenFor/2)
	}
	m.listDue = now + jittered(m.interval, p.opts.MinInterval, rand.Float64())
	switch {
	case m.infoDue == forever && m.record.State.Active == 0 && m.record.State.Size() > 0:
		// Perhaps it ended before we came.
		m.infoDue = now
	case m.infoDue == forever:
		// The first list since the start: the information calls of all meetings are spread.
		m.infoDue = now + rand.N(p.stretched(checkAfter))
	case changes > 0 && m.record.State.Active == 0: // the last one has gone
		m.infoDue = min(m.infoDue, now+recheckAfter)
	}
}

// stretched is how long to leave between calls that are to be made every d: longer if there are too
// few calls for that.
func (f *fixed) stretched(d time.Duration) time.Duration {
	if f.thrifty() {
		return thriftyInfo
	}
	return time.Duration(min(float64(d)*f.pacer.Stretch(), float64(30*24*time.Hour)))
}

// review returns when a call is due for a meeting that is not busy. That may be sooner than when it
// was queued, as there may be more calls to be made now.
func (t *locked) review(m *meeting, now moment) moment {
	if m.exception != nil || m.wanted() || m.infoDue == forever {
		return m.due
	}
	if t.thrifty() {
		return t.reviewSaving(m, now)
	}
	m.listDue = min(m.listDue, now+t.pacer.Interval(&m.pace))
	m.infoDue = min(m.infoDue, now+t.stretched(infoAfter))
	m.checkDue = min(m.checkDue, now+t.stretched(checkAfter))
	return min(m.listDue, m.infoDue, m.checkDue, now+reviewAfter)
}

// mayPeek tells whether it is enough to read the head-count instead of a long list.
func (m *look) mayPeek() bool {
	return m.pages >= longList && m.peeks < maxPeeks && m.biased && m.failures == 0 && m.infoFailures == 0 && m.urgency() == routine
}

// peek reads the head-count instead of a list that is due, and tells whether that was enough.
func (p *Poller) peek(ctx context.Context, m *look) (heads count, enough bool, err error) {
	if heads, err = p.askInfo(ctx, m); err != nil || m.ending > 0 || heads.active <= 0 || m.moved(heads) {
		return heads, false, err
	}
	m.peeks++
	m.lastSeen = p.lookTime(m.record.State)
	p.paceList(m, false, 0)
	return heads, true, nil
}

// moved tells whether a count differs from the one when the list was read.
func (m *look) moved(heads count) bool {
	return heads == unknown || m.biased && (int32(heads.active-m.record.State.Active) != m.bias || int32(heads.attended) != m.attended)
}

// noteHeadCount notes how the count compares with the list that was read together with it.
func (m *look) noteHeadCount(heads count, read bool) {
	if read && heads != unknown {
		m.bias, m.attended, m.biased = int32(heads.active-m.record.State.Active), int32(heads.attended), true
	}
}
