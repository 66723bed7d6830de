package poller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// load reads the stored states for the first time, again and again until it succeeds: NATS may come up later than we
// do. Looks begin meanwhile.
func (p *Poller) load(ctx context.Context) error {
	for failures := 1; ; failures++ {
		err := p.takePosition(ctx)
		if err == nil {
			err = p.gain(ctx, p.owned())
		}
		switch {
		case err == nil:
			p.loadedWell()
			p.open()
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, diff.ErrNewerVersion):
			return err
		}
		p.health.failed(areaStore, err)
		if !p.pauseLoading(ctx, failures) {
			return ctx.Err()
		}
	}
}

// loadedWell takes note that the states could be read. Whether something can be stored is for the first beat to show.
func (p *Poller) loadedWell() {
	if _, ok := p.store.(Pulse); !ok {
		p.health.ok(areaStore)
	}
}

// pauseLoading waits after reading the states has failed, and tells whether ctx is still good.
func (p *Poller) pauseLoading(ctx context.Context, failures int) bool {
	return sleep(ctx, jittered(retryAfter(failures, maxStoreRetry), 0, rand.Float64()))
}

// open lets meetings be watched from now on.
func (p *Poller) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.loaded = true
	close(p.ready)
	for _, m := range p.meetings {
		if m.place < 0 {
			p.arrange(m, p.now()) // a push came meanwhile
		}
	}
	p.log.Info("watching", "meetings", len(p.meetings))
}

func (p *Poller) isLoaded() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.loaded
}

// gain reads the states of shards that are ours now, and goes on with every meeting of them that is watched, due at
// once. A state that is corrupt costs only its meeting.
//
// Nothing is missed: from before the states are read, what we hear of others' doings in these shards is heeded.
func (p *Poller) gain(ctx context.Context, shards shardSet) error {
	if shards == 0 {
		return nil
	}
	p.hold(shards)
	beats, err := p.lastBeats(ctx)
	if err != nil {
		return err
	}
	for record, err := range p.store.All(ctx, shards.list()...) {
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion) && p.isLoaded():
			p.log.Error("a stored meeting cannot be read and is not watched", "error", err)
		case err != nil:
			return fmt.Errorf("reading the stored meetings: %w", err)
		default:
			p.resume(record, beats)
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.complete |= shards & p.held // else they were lost meanwhile
	return nil
}

// hold heeds from now on what is heard of the meetings of these shards. The guests among them are ours, and due.
func (p *Poller) hold(shards shardSet) {
	p.mu.Lock()
	defer p.mu.Unlock()
	fresh := shards &^ p.held
	p.held |= shards
	for _, m := range p.meetings {
		if fresh.has(m.shard) {
			p.arrange(m, p.now())
		}
	}
}

// resume goes on with a stored meeting. It was in sight until somebody looked after its shard last: a look that finds
// nothing new leaves no trace of its own.
//
// The meetings come in no certain order: of many, always the same would have to wait where owners do not live for long.
func (p *Poller) resume(record diff.Record, beats [events.Shards]time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	id := record.State.ConferenceID
	m, ok := p.meetings[id]
	switch {
	case ok:
		p.adopt(m, record) // it was a guest, or was heard of meanwhile
		if m.watched && !m.busy && m.sight.never() {
			p.goOn(m, record.State, beats)
		}
		return
	case record.State.Phase != diff.Watched:
		return
	}
	m = p.newMeeting(id)
	if !p.mine(m) {
		return
	}
	p.admit(m, record)
	p.goOn(m, record.State, beats)
}

// goOn has a meeting looked at that was watched before we came. The caller holds mu.
func (p *Poller) goOn(m *meeting, s *diff.State, beats [events.Shards]time.Time) {
	m.infoDue = forever
	if alive := beats[m.shard]; !alive.IsZero() {
		m.sight, m.away = p.sees(s).before(time.Since(alive)), true
		// Its last look may have come after that, unless another clock told when it was.
		if later := time.Duration(s.LookedAt-m.sight.wall) * time.Millisecond; later > 0 && later <= patrolEvery {
			m.sight = m.sight.before(-later)
		}
	}
	p.enqueue(m, p.now()-rand.N(anyOrder))
}

// admit puts a meeting whose state is known into the table. The caller holds mu.
func (p *Poller) admit(m *meeting, record diff.Record) {
	p.meetings[m.id] = m
	p.keep(m, record)
}

// newMeeting returns a meeting of which every call is due.
func (p *Poller) newMeeting(id string) *meeting {
	return &meeting{
		id: id, shard: uint8(events.Shard(id)), place: -1, kept: -1, progress: progress{interval: p.opts.MinInterval},
	}
}

// fetch reads a meeting's state, with what is known of it that is not stored.
func (p *Poller) fetch(ctx context.Context, m *meeting) (diff.Record, error) {
	known := p.knownRevision(m)
	record, err := p.store.Load(ctx, m.id)
	if err == nil && record.Revision < known {
		record, err = p.regain(ctx, m, known)
	}
	if err != nil {
		return record, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if record.State.LookedAt < m.lookedAt && record.State.Phase == diff.Watched {
		next := *record.State
		next.LookedAt = m.lookedAt
		record.State = &next
	}
	return record, nil
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
