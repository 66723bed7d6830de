package poller

import (
	"context"
	"fmt"
)

// reserve puts a meeting that is about to be watched into the table, so that nobody else begins or stops watching it
// meanwhile. It returns nil when the meeting is watched already. Its counterpart is release.
func (p *Poller) reserve(ctx context.Context, conferenceID string) (*meeting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		if !p.loaded {
			return nil, ErrNotReady
		}
		m, ok := p.meetings[conferenceID]
		switch {
		case !ok:
			m = p.newMeeting(conferenceID)
			m.busy = true
			p.meetings[conferenceID] = m
			return m, nil
		case m.state != nil && !m.leaving:
			return nil, nil
		}
		if err := p.await(ctx, m); err != nil {
			return nil, err
		}
	}
}

// acquire takes a meeting that is to be given up out of the schedule, as soon as nobody else has it busy. Its
// counterpart is release.
func (p *Poller) acquire(ctx context.Context, conferenceID string) (*meeting, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.meetings[conferenceID]
	if !ok {
		return nil, p.notWatched()
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
	p.occupy(m)
	m.leaving = true
	return m, nil
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

// occupy takes a meeting out of the queue and marks it busy. The caller holds mu, and owns the meeting afterwards.
func (p *Poller) occupy(m *meeting) {
	p.queue.remove(m)
	m.busy, m.began = true, p.now()
	if m.asked {
		m.asked, m.listDue = false, 0
	}
	if m.doubted {
		m.doubted, m.infoDue = false, 0
	}
	m.closing, m.closed = max(m.closing, m.closed), 0
}

// release gives up what reserve, acquire or next took, and queues the meeting for its next look.
func (p *Poller) release(m *meeting, out outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if out.ok {
		p.limited = 0
	}
	m.busy, m.leaving = false, false
	m.show()
	if out.over {
		p.forget(m)
	} else {
		p.enqueue(m, out.due)
	}
	if m.idle != nil {
		close(m.idle)
		m.idle = nil
	}
}

// forget stops watching a meeting. The caller holds mu.
func (p *Poller) forget(m *meeting) {
	p.queue.remove(m)
	p.health.forget(areaMeeting + m.id)
	delete(p.meetings, m.id)
}
