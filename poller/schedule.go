package poller

import (
	"context"
	"math/rand/v2"
	"time"
)

// outcome is what a look means for the schedule.
type outcome struct {
	due moment // the next look
	ok  bool   // the look found out what it was to
}

// schedule hands every meeting that is due to a worker, until ctx ends.
func (p *Poller) schedule(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		l, wait := p.next()
		if l != nil {
			select {
			case p.work <- l:
			case <-ctx.Done():
				p.release(l, outcome{due: p.now()})
			}
			continue
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-p.wake:
		case <-ctx.Done():
		}
	}
}

// rounded is when a meeting is woken that is due: looks that are due at about the same time share a wake-up, which costs
// more than they do.
func (p *Poller) rounded(due moment) moment { return (due + p.tick - 1) / p.tick * p.tick }

// next returns the meeting that is due, marked busy, or how long to wait for one. Last looks come first.
func (p *Poller) next() (*look, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		now := p.now()
		m, due := p.lasts.first(p.halted)
		if other, at := p.queue.first(p.paused); m == nil || due > now && at < due {
			m, due = other, at
		}
		switch {
		case m == nil:
			p.wakeAt = now + time.Hour
			return nil, time.Hour
		case due > now:
			p.wakeAt = p.rounded(due)
			return nil, p.wakeAt - now
		case !m.watched && m.storing && !m.wanted(): // it is about to be watched, perhaps
			p.enqueue(m, now+guestLinger)
		case p.mine(m) || m.wanted():
			if due := p.review(m, now); due > now {
				p.enqueue(m, due)
				continue
			}
			return p.occupy(m), 0
		case p.held.has(m.shard):
			p.letGo() // nobody has told us yet
		case m.storing:
			p.enqueue(m, now+guestLinger)
		default:
			p.forget(m) // a guest whom nobody asks for any more
		}
	}
}

// enqueue queues a meeting, unless somebody waits to have it busy. The caller holds mu.
func (p *Poller) enqueue(m *meeting, due moment) {
	if m.asked {
		due = min(due, p.askedDue(m))
	}
	m.due = due
	if m.claims > 0 {
		return
	}
	if last := m.ends(); last != m.last {
		p.unqueue(m)
		m.last = last
	}
	if m.last {
		p.lasts.put(m, due)
	} else {
		p.queue.put(m, due)
	}
	if due <= p.now() || p.rounded(due) < p.wakeAt {
		p.signal()
	}
}

// askedDue is when somebody who asks for a look gets it: ahead of those who are merely due, but not at once after the
// last one, however often they ask.
func (p *Poller) askedDue(m *meeting) moment {
	return max(p.now()-headStart, m.began+min(p.opts.MinInterval, askedSpacing))
}

// unqueue takes a meeting out of the queue that it is in. The caller holds mu.
func (p *Poller) unqueue(m *meeting) {
	if m.last {
		p.lasts.remove(m)
	} else {
		p.queue.remove(m)
	}
}

// signal wakes the scheduler.
func (p *Poller) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// pause holds all looks back after an error that concerns all calls: as long as upstream asks for, and longer each time
// a look after the pause ends the same way. When the month's calls are used up there may be some left for last looks.
func (p *Poller) pause(err error) {
	trouble, _ := troubleOf(err)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.health.failed(areaLimit, err)
	now := p.now()
	if now >= p.paused { // else it is one more of the calls that were under way
		p.limited++
	}
	wait := max(waitOf(err), retryAfter(p.limited, trouble.patience()))
	p.pausedBy = trouble.String()
	p.paused = max(p.paused, now+wait+time.Duration(rand.Float64()*float64(wait)/10))
	if trouble != Exhausted {
		p.halted = p.paused
	}
}

// succeeded takes note of a call that succeeded: calls are possible, unless they are only for a last look, or this one
// was under way when the others began to wait.
func (p *Poller) succeeded(area string, u urgency) {
	p.health.callOK(area)
	if u == lastLook {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.now() >= p.paused {
		p.health.ok(areaLimit)
	}
}
