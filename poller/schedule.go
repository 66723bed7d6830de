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
		var l *look
		var wait time.Duration
		p.table.With(func(t *locked) { l, wait = t.next() })
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

// rounded is when the scheduler wakes up for a meeting that is due. Looks that are due at about the
// same time share a wake-up, which costs more than they do.
func (f *fixed) rounded(due moment) moment { return (due + f.tick - 1) / f.tick * f.tick }

// next returns a look at the meeting that is due, or how long to wait for one. Last looks come
// first.
func (t *locked) next() (*look, time.Duration) {
	for {
		now := t.now()
		m, due := t.lasts.first(t.halted)
		if other, at := t.queue.first(t.paused); m == nil || due > now && at < due {
			m, due = other, at
		}
		switch {
		case m == nil:
			t.wakeAt = now + time.Hour
			return nil, time.Hour
		case due > now:
			t.wakeAt = t.rounded(due)
			return nil, t.wakeAt - now
		case !m.watched && m.storing && !m.wanted(): // a push in the inbox may begin to watch it
			t.enqueue(m, now+guestLinger)
		case t.mine(m) || m.wanted():
			if due := t.review(m, now); due > now {
				t.enqueue(m, due)
				continue
			}
			return t.occupy(m), 0
		case t.held.has(m.shard):
			t.releaseShards() // the shard was lost, and followShards has not come to it yet
		case m.storing:
			t.enqueue(m, now+guestLinger)
		default:
			t.forget(m) // a guest that is done with
		}
	}
}

// enqueue queues a meeting, unless it is claimed.
func (t *locked) enqueue(m *meeting, due moment) {
	if m.asked {
		due = min(due, t.askedDue(m))
	}
	m.due = due
	if m.claims > 0 {
		return
	}
	if last := m.ends(); last != m.last {
		t.unqueue(m)
		m.last = last
	}
	if m.last {
		t.lasts.put(m, due)
	} else {
		t.queue.put(m, due)
	}
	if due <= t.now() || t.rounded(due) < t.wakeAt {
		t.signal()
	}
}

// askedDue is when a look that was asked for is made: before those that are merely due, but not
// right after the last one, however often it is asked for.
func (t *locked) askedDue(m *meeting) moment {
	spacing := min(t.opts.MinInterval, askedSpacing)
	if t.thrifty() && !m.ends() && !m.pressed {
		spacing = min(askedSpacing<<m.asksInARow, thriftyAsked)
	}
	return max(t.now()-headStart, m.began+spacing)
}

// unqueue takes a meeting out of the queue that it is in.
func (t *locked) unqueue(m *meeting) {
	if m.last {
		t.lasts.remove(m)
	} else {
		t.queue.remove(m)
	}
}

// signal wakes the scheduler.
func (f *fixed) signal() {
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// pause holds all looks back after an error that concerns all calls: as long as upstream asks for,
// and longer each time a look after the pause ends the same way. When the month's calls are used
// up, some are kept for last looks, which go on.
func (p *Poller) pause(err error) {
	p.table.With(func(t *locked) { t.pause(err) })
}

func (t *locked) pause(err error) {
	trouble, _ := troubleOf(err)
	t.health.failed(areaLimit, err)
	now := t.now()
	if now >= t.paused { // a call that was under way when the pause began does not count
		t.limited++
	}
	wait := max(waitOf(err), retryAfter(t.limited, trouble.longestPause()))
	t.pausedBy = trouble.String()
	t.paused = max(t.paused, now+wait+time.Duration(rand.Float64()*float64(wait)/10))
	if trouble != Exhausted {
		t.halted = t.paused
	}
}

// succeeded notes that a call succeeded, so calls are possible. A last look says nothing about
// others, nor does a call that was under way when the pause began.
func (p *Poller) succeeded(area string, u urgency) {
	p.health.callOK(area)
	if u == lastLook {
		return
	}
	p.table.With(func(t *locked) {
		if t.now() >= t.paused {
			t.health.ok(areaLimit)
		}
	})
}
