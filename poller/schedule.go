package poller

import (
	"context"
	"math/rand/v2"
	"time"
)

// outcome is what a look means for the schedule.
type outcome struct {
	due  moment // the next look
	ok   bool   // the look found out what it was to
	over bool   // the meeting is forgotten
}

// schedule hands every meeting that is due to a worker, until ctx ends.
func (p *Poller) schedule(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		m, wait := p.next()
		if m != nil {
			select {
			case p.work <- m:
			case <-ctx.Done():
				p.release(m, outcome{due: p.now()})
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

// next returns the meeting that is due, marked busy, or how long to wait for one.
func (p *Poller) next() (*meeting, time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if len(p.queue) == 0 {
		p.wakeAt = now + time.Hour
		return nil, time.Hour
	}
	m := p.queue[0]
	if due := max(m.due, p.paused); due > now {
		p.wakeAt = p.rounded(due)
		return nil, p.wakeAt - now
	}
	p.occupy(m)
	return m, 0
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
	p.queue.put(m, due)
	if due <= p.now() || p.rounded(due) < p.wakeAt {
		p.signal()
	}
}

// askedDue is when somebody who asks for a look gets it: ahead of those who are merely due, but not at once after the
// last one, however often they ask.
func (p *Poller) askedDue(m *meeting) moment {
	return max(p.now()-headStart, m.began+min(p.opts.MinInterval, askedSpacing))
}

// signal wakes the scheduler.
func (p *Poller) signal() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// pause holds all looks back after an error that concerns all calls: as long as upstream asks for, and longer each time
// a look after the pause ends the same way.
func (p *Poller) pause(err error) {
	p.health.failed(areaLimit, err)
	trouble, _ := troubleOf(err)
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if now >= p.paused { // else it is one more of the calls that were under way
		p.limited++
	}
	wait := max(waitOf(err), retryAfter(p.limited, trouble.patience()))
	p.pausedBy = trouble.String()
	p.paused = max(p.paused, now+wait+time.Duration(rand.Float64()*float64(wait)/10))
}
