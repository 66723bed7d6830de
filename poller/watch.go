package poller

import (
	"context"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Watch begins to watch a meeting, with a look at once, and tells whether it was not watched before. A meeting that
// ended, or that was watched earlier, goes on where it stopped. The meeting stays watched over restarts: when Watch
// returns, that is stored. An empty title leaves the title to DingTalk.
func (p *Poller) Watch(ctx context.Context, conferenceID, title string) (bool, error) {
	return p.watch(ctx, conferenceID, title, func(*diff.State) bool { return true })
}

// Discover is Watch for a meeting that nobody asked for: one that somebody stopped watching stays unwatched.
func (p *Poller) Discover(ctx context.Context, conferenceID, title string) (bool, error) {
	return p.watch(ctx, conferenceID, title, func(s *diff.State) bool { return s.Phase != diff.Unwatched })
}

func (p *Poller) watch(ctx context.Context, conferenceID, title string, wanted func(*diff.State) bool) (bool, error) {
	if err := events.CheckConferenceID(conferenceID); err != nil {
		return false, err
	}
	if watched, err := p.watched(conferenceID); watched || err != nil {
		return false, err
	}
	base, err := p.store.Load(ctx, conferenceID)
	if err != nil {
		return false, fmt.Errorf("watching %s: %w", conferenceID, err)
	}
	if !wanted(base.State) {
		return false, nil
	}
	record, _, err := p.store.Update(ctx, base, func(s *diff.State) diff.Result { return begin(s, title) })
	if err != nil {
		return false, fmt.Errorf("watching %s: %w", conferenceID, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.meetings[conferenceID]; ok { // somebody else was faster
		return false, nil
	}
	p.add(record)
	return true, nil
}

// begin is the state of a meeting that is watched from now on.
func begin(s *diff.State, title string) diff.Result {
	next := s.WithPhase(diff.Watched)
	next.EndTime = 0
	if title != "" {
		next.Title = title
	}
	return diff.Result{State: next, Changed: true}
}

func (p *Poller) watched(conferenceID string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.loaded {
		return false, ErrNotReady
	}
	_, ok := p.meetings[conferenceID]
	return ok, nil
}

// notWatched is the error for a meeting that is not in the table. The caller holds mu.
func (p *Poller) notWatched() error {
	if !p.loaded {
		return ErrNotReady
	}
	return ErrNotWatched
}

// Unwatch stops watching a meeting after a last look, without closing anybody out. It returns [ErrNotWatched] for a
// meeting that is not watched. When the last look fails the meeting is given up all the same.
func (p *Poller) Unwatch(ctx context.Context, conferenceID string) error {
	m, err := p.acquire(ctx, conferenceID)
	if err != nil {
		return err
	}
	if _, err := p.askList(ctx, m, diff.Snapshot{Via: events.ViaPoll}); err != nil {
		p.log.Warn("last look failed", "meeting", conferenceID, "error", err)
	}
	record, _, err := p.store.Update(ctx, m.record, func(s *diff.State) diff.Result {
		return diff.Result{State: s.WithPhase(diff.Unwatched), Changed: true}
	})
	if err != nil {
		p.release(m, outcome{next: p.untilNext(m)})
		return fmt.Errorf("giving up %s: %w", conferenceID, err)
	}
	m.record = record
	p.release(m, outcome{over: true})
	return nil
}

// acquire takes a meeting out of the schedule as soon as nobody looks at it.
func (p *Poller) acquire(ctx context.Context, conferenceID string) (*meeting, error) {
	for {
		m, idle, err := p.tryAcquire(conferenceID)
		if m != nil || err != nil {
			return m, err
		}
		select {
		case <-idle:
		case <-ctx.Done():
			return nil, fmt.Errorf("waiting for a look at %s: %w", conferenceID, ctx.Err())
		}
	}
}

// tryAcquire returns the meeting, marked busy, or what to wait for.
func (p *Poller) tryAcquire(conferenceID string) (*meeting, <-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.meetings[conferenceID]
	if !ok {
		return nil, nil, p.notWatched()
	}
	if m.busy {
		if m.idle == nil {
			m.idle = make(chan struct{})
		}
		return nil, m.idle, nil
	}
	p.queue.remove(m)
	m.busy = true
	return m, nil, nil
}

// LookNow asks for a look at a meeting as soon as the call rate allows. A meeting that is being looked at is looked
// at once more: what is asked about may have happened after the list was read.
func (p *Poller) LookNow(conferenceID string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.meetings[conferenceID]
	if !ok {
		return p.notWatched()
	}
	m.asked = true
	if !m.busy {
		p.queue.put(m, time.Now())
		p.signal()
	}
	return nil
}
