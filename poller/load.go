package poller

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

// load reads the stored states for the first time. It tries until it succeeds, as NATS may start
// later than we do. Looks begin meanwhile.
func (p *Poller) load(ctx context.Context) error {
	for retry := newReadRetry(); ; {
		err := p.takePosition(ctx)
		if err == nil {
			err = p.takeOver(ctx, p.owned())
		}
		switch {
		case err == nil:
			p.loadedWell()
			p.table.With((*locked).open)
			close(p.ready)
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.Is(err, diff.ErrNewerVersion):
			return err
		}
		p.health.failed(areaStore, err)
		if !retry.wait(ctx) {
			return ctx.Err()
		}
	}
}

// loadedWell notes that the states could be read. Whether anything can be stored is shown by the
// first beat.
func (p *Poller) loadedWell() {
	if _, ok := p.store.(Pulse); !ok {
		p.health.ok(areaStore)
	}
}

// open lets meetings be watched from now on.
func (t *locked) open() {
	t.loaded = true
	for _, m := range t.meetings {
		if m.place < 0 {
			t.arrange(m, t.now()) // added by a push meanwhile
		}
	}
	t.log.Info("watching", "meetings", len(t.meetings))
}

// takeOver reads the states of shards that we got the lease of, and goes on with every meeting of
// them that is watched, due at once. A corrupt state costs only its own meeting.
//
// Nothing is missed: what other replicas store in these shards is followed from before the states
// are read.
func (p *Poller) takeOver(ctx context.Context, shards shardSet) error {
	if shards == 0 {
		return nil
	}
	p.table.With(func(t *locked) { t.hold(shards) })
	beats, err := p.lastBeats(ctx)
	if err != nil {
		return err
	}
	for record, err := range p.store.All(ctx, shards.list()...) {
		switch {
		case errors.Is(err, diff.ErrCorruptState), errors.Is(err, diff.ErrNewerVersion) && guarded.Get(p.table, (*locked).isLoaded):
			p.log.Error("a stored meeting cannot be read and is not watched", "error", err)
		case err != nil:
			return fmt.Errorf("reading the stored meetings: %w", err)
		default:
			p.table.With(func(t *locked) { t.resume(record, beats) })
		}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	// Unless they were lost meanwhile.
	p.table.With(func(t *locked) {
		t.complete |= shards & t.held
		t.reclaim(shards & t.held)
	})
	return nil
}

// hold follows the meetings of these shards from now on. The guests among them are ours now, and
// due.
func (t *locked) hold(shards shardSet) {
	fresh := shards &^ t.held
	t.held |= shards
	for _, m := range t.meetings {
		if fresh.has(m.shard) {
			t.arrange(m, t.now())
		}
	}
}

// resume goes on with a stored meeting. It counts as looked at until the last beat of its shard: a
// look that finds nothing new is not stored itself.
//
// The meetings are queued in random order. In a fixed one the same meetings would always wait
// longest when leases change often.
func (t *locked) resume(record diff.Record, beats [events.Shards]time.Time) {
	id := record.State.ConferenceID
	m, ok := t.meetings[id]
	switch {
	case !t.stillStored(record): // see reclaim
		return
	case ok:
		t.adopt(m, record, read) // a guest, or followed meanwhile
		if m.watched && !m.busy && m.lastSeen.Never() {
			t.resumeAfterBeat(m, record.State, beats)
		}
		return
	case record.State.Phase != diff.Watched:
		return
	}
	m = t.newMeeting(id)
	if !t.mine(m) {
		return
	}
	t.admit(m, record)
	t.resumeAfterBeat(m, record.State, beats)
}

// resumeAfterBeat queues a meeting that was watched before we took over its shard.
func (t *locked) resumeAfterBeat(m *meeting, s *diff.State, beats [events.Shards]time.Time) {
	m.infoDue = forever
	if alive := beats[m.shard]; !alive.IsZero() {
		m.lastSeen, m.away = t.lookTime(s).Earlier(time.Since(alive)), true
		// Its last look may have come after that, unless another clock told when it was.
		if later := time.Duration(s.LookedAt-m.lastSeen.Wall) * time.Millisecond; later > 0 && later <= patrolEvery {
			m.lastSeen = m.lastSeen.Earlier(-later)
		}
	}
	t.enqueue(m, t.now()-rand.N(anyOrder))
}

// admit adds a meeting whose state is known to the table.
func (t *locked) admit(m *meeting, record diff.Record) {
	t.meetings[m.id] = m
	t.keep(m, record)
}

// fetch reads a meeting's state into the table, with the time of the last look, which is not always
// stored.
func (p *Poller) fetch(ctx context.Context, m *meeting) (diff.Record, error) {
	var known uint64
	var lookedAt int64
	var losses int32
	p.table.With(func(*locked) { known, lookedAt, losses = m.record.Revision, m.lookedAt, m.losses })
	record, err := p.store.Load(ctx, m.id)
	if err == nil && record.Revision < known {
		return p.loadOrRestore(ctx, m, known)
	}
	if err != nil {
		return record, err
	}
	if record.State.LookedAt < lookedAt && record.State.Phase == diff.Watched {
		next := *record.State
		next.LookedAt = lookedAt
		record.State = &next
	}
	p.table.With(func(t *locked) {
		if m.losses == losses { // otherwise less is stored by now
			t.adopt(m, record, read)
		}
	})
	return record, nil
}
