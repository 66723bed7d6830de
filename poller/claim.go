package poller

import (
	"context"
	"errors"
	"fmt"
)

// untilLeft waits until nobody is giving a meeting up any more.
func (p *Poller) untilLeft(ctx context.Context, conferenceID string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		m, ok := p.meetings[conferenceID]
		if !ok || !m.leaving {
			return nil
		}
		if err := p.await(ctx, m); err != nil {
			return err
		}
	}
}

// occupyNew puts a meeting that nothing is known of into the table. The caller holds mu, and owns the meeting afterwards.
func (p *Poller) occupyNew(conferenceID string) *look {
	m := p.newMeeting(conferenceID)
	p.meetings[conferenceID] = m
	l := p.occupy(m)
	m.began = 0 // that is no look
	return l
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
func (p *Poller) acquireUnread(ctx context.Context, conferenceID string) (*look, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		return nil, ErrNotReady
	}
	m, ok := p.meetings[conferenceID]
	if !ok {
		l := p.occupyNew(conferenceID)
		l.m.leaving, l.leaving = true, true
		return l, nil
	}
	m.claims++
	for m.busy {
		if err := p.await(ctx, m); err != nil {
			m.claims--
			if !m.busy && p.meetings[conferenceID] == m {
				p.enqueue(m, m.due)
			}
			return nil, err
		}
	}
	m.claims--
	if p.meetings[conferenceID] != m {
		return nil, ErrNotWatched
	}
	l := p.occupy(m)
	m.leaving, l.leaving = true, true
	return l, nil
}

// await waits until a meeting that is busy no longer is. The caller holds mu, which is free meanwhile.
func (p *Poller) await(ctx context.Context, m *meeting) error {
	if m.idle == nil {
		m.idle = make(chan struct{})
	}
	idle := m.idle
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-idle:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting for a look at %s: %w", m.id, context.Cause(ctx))
	}
}

// occupy takes a meeting out of the queue and marks it busy. The caller holds mu.
func (p *Poller) occupy(m *meeting) *look {
	l := &look{
		m: m, id: m.id, record: m.record, doubt: m.doubt, era: m.era, routine: !m.wanted(),
		asked: m.asked, owed: m.asked || m.doubted || m.owed,
		progress: m.progress, rare: m.rarely(),
	}
	p.unqueue(m)
	m.busy, m.began = true, p.now()
	if m.asked {
		m.asked, l.listDue = false, 0
	}
	if m.doubted {
		m.doubted, l.infoDue = false, 0
	}
	l.closing, m.closed = max(l.closing, m.closed), 0
	return l
}

// release gives up what acquire or next took, and queues the meeting for its next look.
func (p *Poller) release(l *look, out outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if out.ok && p.now() >= p.paused { // else it began before
		p.limited = 0
	}
	m := l.m
	m.busy, m.leaving = false, false
	p.leave(l)
	p.settle(m, l)
	m.owed = l.owed && (!out.ok || l.failures > 0) && l.failures < guestTries && !p.mine(m)
	switch {
	case m.unwatched() && !m.storing: // else there may be a push that begins to watch it
		p.forget(m)
	case p.mine(m) || m.wanted():
		p.enqueue(m, out.due)
	default:
		p.enqueue(m, p.now()+guestLinger)
	}
	if m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
}

// forget drops a meeting from the table. The caller holds mu.
func (p *Poller) forget(m *meeting) {
	p.unqueue(m)
	p.cool(m)
	p.pacer.Forget(&m.pace)
	p.health.forget(areaMeeting + m.id)
	delete(p.meetings, m.id)
}
