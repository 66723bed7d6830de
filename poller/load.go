package poller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/c4342123/rollcall/diff"
)

// load reads the stored states, again and again until it succeeds: NATS may come up later than we do.
func (p *Poller) load(ctx context.Context) error {
	for failures := 1; ; failures++ {
		records, err := p.readAll(ctx)
		alive := int64(0)
		if err == nil {
			alive, err = p.lastAlive(ctx)
		}
		switch {
		case err == nil:
			p.health.ok(areaStore)
			p.start(records, alive)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, diff.ErrNewerVersion):
			return err
		}
		p.health.failed(areaStore, err)
		if !sleep(ctx, jittered(retryAfter(failures, maxStoreRetry), 0, rand.Float64())) {
			return ctx.Err()
		}
	}
}

// readAll returns the states of the meetings that are watched. A state that is corrupt costs only its meeting.
func (p *Poller) readAll(ctx context.Context) (map[string]diff.Record, error) {
	records := map[string]diff.Record{}
	for record, err := range p.store.All(ctx) {
		switch {
		case errors.Is(err, diff.ErrCorruptState):
			p.log.Error("a stored meeting cannot be read and is not watched", "error", err)
		case err != nil:
			return nil, fmt.Errorf("reading the stored meetings: %w", err)
		case record.State.Phase == diff.Watched:
			records[record.State.ConferenceID] = record
		default: // perhaps a newer state than the one before
			delete(records, record.State.ConferenceID)
		}
	}
	return records, ctx.Err()
}

// start begins to look at the stored meetings, all of them due at once. They were in sight until somebody was alive
// last, in Unix milliseconds: a look that finds nothing new leaves no trace of its own.
func (p *Poller) start(records map[string]diff.Record, alive int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, record := range records {
		m := p.newMeeting(id)
		m.record, m.infoDue = record, forever
		if alive > 0 {
			m.sight, m.trouble = max(record.State.LookedAt, alive), reasonDown
		}
		m.show()
		p.meetings[id] = m
		p.queue.put(m, p.now())
	}
	p.loaded = true
	close(p.ready)
	p.log.Info("watching", "meetings", len(records))
}

// newMeeting returns a meeting of which every call is due.
func (p *Poller) newMeeting(id string) *meeting {
	return &meeting{id: id, place: -1, progress: progress{interval: p.opts.MinInterval}}
}

// sleep waits for d and tells whether ctx is still good.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
