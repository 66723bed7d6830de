package poller

import (
	"context"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/poller/guarded"
)

// untilLeft waits until nobody is giving a meeting up any more.
func (p *Poller) untilLeft(ctx context.Context, conferenceID string) error {
	for {
		idle := guarded.Get(p.table, func(t *locked) <-chan struct{} {
			if m, ok := t.meetings[conferenceID]; ok && m.leaving {
				return m.untilIdle()
			}
			return nil
		})
		if idle == nil {
			return nil
		}
		if err := await(ctx, conferenceID, idle); err != nil {
			return err
		}
	}
}

// await waits until a meeting that is busy no longer is.
func await(ctx context.Context, conferenceID string, idle <-chan struct{}) error {
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a look at %s: %w", conferenceID, context.Cause(ctx))
	}
}

// untilIdle returns what is closed when a meeting that is busy no longer is.
func (m *meeting) untilIdle() <-chan struct{} {
	if m.idle == nil {
		m.idle = make(chan struct{})
	}
	return m.idle
}

// acquire takes a meeting that is to be given up out of the schedule, as soon as nobody else has it busy. Its
// counterpart is release.
func (p *Poller) acquire(ctx context.Context, conferenceID string) (*look, error) {
	l, err := p.acquireUnread(ctx, conferenceID)
	if err != nil {
		return nil, err
	}
	if err := p.reread(ctx, l); err != nil {
		p.release(l, outcome{due: p.now()})
		if errors.Is(err, errOver) {
			err = ErrNotWatched
		}
		return nil, err
	}
	return l, nil
}

// acquireUnread is acquire for a meeting whose state is perhaps to be read first. One that is not in the table may be
// watched by another replica.
func (p *Poller) acquireUnread(ctx context.Context, conferenceID string) (l *look, err error) {
	var m *meeting
	var busy <-chan struct{}
	p.table.With(func(t *locked) {
		if !t.loaded {
			err = ErrNotReady
			return
		}
		_, known := t.meetings[conferenceID]
		m = t.claim(conferenceID)
		l, busy, err = t.takeClaimed(m)
		if !known {
			m.began = 0 // that is no look
		}
	})
	for busy != nil {
		if err := await(ctx, conferenceID, busy); err != nil {
			p.table.With(func(t *locked) { t.unclaim(m) })
			return nil, err
		}
		p.table.With(func(t *locked) { l, busy, err = t.takeClaimed(m) })
	}
	return l, err
}

// claim keeps a meeting from being queued until it is taken or unclaimed. One that nothing is known of comes into the table.
func (t *locked) claim(conferenceID string) *meeting {
	m, ok := t.meetings[conferenceID]
	if !ok {
		m = t.newMeeting(conferenceID)
		t.meetings[conferenceID] = m
	}
	m.claims++
	return m
}

// take takes a meeting that is claimed and to be given up out of the schedule, or returns what is to be waited for before
// it can be tried again.
func (t *locked) takeClaimed(m *meeting) (l *look, busy <-chan struct{}, err error) {
	if m.busy {
		return nil, m.untilIdle(), nil
	}
	m.claims--
	if t.meetings[m.id] != m {
		return nil, nil, ErrNotWatched
	}
	l = t.occupy(m)
	m.leaving, l.leaving = true, true
	return l, nil, nil
}

// unclaim is for who does not wait to take a meeting any more. What could not be queued meanwhile is.
func (t *locked) unclaim(m *meeting) {
	m.claims--
	if !m.busy && t.meetings[m.id] == m {
		t.enqueue(m, m.due)
	}
}

// occupy takes a meeting out of the queue and marks it busy.
func (t *locked) occupy(m *meeting) *look {
	l := &look{
		m: m, id: m.id, record: m.record, mustReread: m.mustReread, losses: m.losses, routine: !m.wanted(),
		asked: m.asked, owed: m.asked || m.endSuspected || m.owed,
		progress: m.progress, exception: m.exceptions(),
	}
	t.unqueue(m)
	m.busy, m.began = true, t.now()
	if m.asked {
		m.asked, l.listDue = false, 0
	}
	if m.endSuspected {
		m.endSuspected, l.infoDue = false, 0
	}
	l.closing, m.closed = max(l.closing, m.closed), 0
	return l
}

// release gives up what acquire or next took, and queues the meeting for its next look.
func (p *Poller) release(l *look, out outcome) {
	p.table.With(func(t *locked) { t.release(l, out) })
}

func (t *locked) release(l *look, out outcome) {
	if out.ok && t.now() >= t.paused { // else it began before
		t.limited = 0
	}
	m := l.m
	m.busy, m.leaving = false, false
	t.leave(l)
	t.resumeFrom(m, l)
	m.owed = l.owed && (!out.ok || l.failures > 0) && l.failures < guestTries && !t.mine(m)
	switch {
	case m.unwatched() && !m.storing: // else there may be a push that begins to watch it
		t.forget(m)
	case t.mine(m) || m.wanted():
		t.enqueue(m, out.due)
	default:
		t.enqueue(m, t.now()+guestLinger)
	}
	t.makeRoom()
	if m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
}

// resumeFrom takes over what the one who had a meeting busy knows of when to look again. What was stored was adopted.
func (t *locked) resumeFrom(m *meeting, l *look) {
	m.progress, m.mustReread = l.progress, l.mustReread
	m.exception = nil
	if l.exception != (exception{}) {
		r := l.exception
		m.exception = &r
	}
	if m.record.State != nil {
		t.seenAtGapEnd(m, m.record.State)
	}
	if l.losses == m.losses && m.brief.gapFrom == 0 && m.lastLook > m.lostAt { // else the look did not see what was lost to be told anew
		m.lostAt = 0
	}
}
