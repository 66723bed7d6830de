package poller

import (
	"context"
	"errors"
	"fmt"

	"github.com/c4342123/rollcall/poller/guarded"
)

// untilUnwatched waits until no Unwatch works on the meeting.
func (p *Poller) untilUnwatched(ctx context.Context, conferenceID string) error {
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

// await waits until a meeting is no longer busy.
func await(ctx context.Context, conferenceID string, idle <-chan struct{}) error {
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a look at %s: %w", conferenceID, context.Cause(ctx))
	}
}

// untilIdle returns a channel that is closed when the meeting is no longer busy.
func (m *meeting) untilIdle() <-chan struct{} {
	if m.idle == nil {
		m.idle = make(chan struct{})
	}
	return m.idle
}

// acquire marks a meeting busy that is to be given up, once no look is under way at it. Its
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

// acquireUnread is acquire without reading the state. A meeting that is not in the table may be
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

// claim keeps a meeting from being queued until takeClaimed or unclaim. A meeting that is not in
// the table is added.
func (t *locked) claim(conferenceID string) *meeting {
	m, ok := t.meetings[conferenceID]
	if !ok {
		m = t.newMeeting(conferenceID)
		t.meetings[conferenceID] = m
	}
	m.claims++
	return m
}

// takeClaimed marks a claimed meeting busy. If it is busy already, it returns a channel that is
// closed when it is worth trying again.
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

// unclaim ends a claim without taking the meeting, and queues it if it could not be queued
// meanwhile.
func (t *locked) unclaim(m *meeting) {
	m.claims--
	if !m.busy && t.meetings[m.id] == m {
		t.enqueue(m, m.due)
	}
}

// occupy takes a meeting out of its queue and marks it busy.
func (t *locked) occupy(m *meeting) *look {
	l := &look{
		m: m, id: m.id, record: m.record, mustReread: m.mustReread, losses: m.losses, routine: !m.wanted(),
		asked: m.asked, onRequest: m.asked || m.endSuspected || m.retryAsked,
		progress: m.progress, exception: m.exceptions(),
	}
	t.unqueue(m)
	m.countAsked(t.now())
	m.busy, m.began = true, t.now()
	if m.asked {
		m.asked, m.pressed, l.listDue = false, false, 0
	}
	if m.endSuspected {
		m.endSuspected, l.infoDue = false, 0
	}
	l.closing, m.closed = max(l.closing, m.closed), 0
	return l
}

// release ends a look, and queues the meeting for the next.
func (p *Poller) release(l *look, out outcome) {
	p.table.With(func(t *locked) { t.release(l, out) })
}

func (t *locked) release(l *look, out outcome) {
	if out.ok && t.now() >= t.paused { // a look that began before the pause says nothing about it
		t.limited = 0
	}
	m := l.m
	m.busy, m.leaving = false, false
	t.leave(l)
	t.resumeFrom(m, l)
	m.retryAsked = l.onRequest && (!out.ok || l.failures > 0) && l.failures < guestTries && !t.mine(m)
	switch {
	case m.unwatched() && !m.storing: // a push in the inbox may begin to watch it
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

// resumeFrom takes over what a look found out about when to look again. What it stored was adopted
// when it was stored.
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
	// A look that began before the loss was noticed may not have announced everything again.
	if l.losses == m.losses && m.brief.gapFrom == 0 && m.lastLook > m.lostAt {
		m.lostAt = 0
	}
}
