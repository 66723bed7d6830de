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

// load reads the stored states for the first time, again and again until it succeeds: NATS may come up later than we
// do. Looks begin meanwhile.
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

// loadedWell takes note that the states could be read. Whether something can be stored is for the first beat to show.
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
			t.arrange(m, t.now()) // a push came meanwhile
		}
	}
	t.log.Info("watching", "meetings", len(t.meetings))
}

// gain reads the states of shards that are ours now, and goes on with every meeting of them that is watched, due at
// once. A state that is corrupt costs only its meeting.
//
// Nothing is missed: from before the states are read, what we hear of others' doings in these shards is heeded.
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
	p.table.With(func(t *locked) { t.complete |= shards & t.held }) // else they were lost meanwhile
	return nil
}

// hold heeds from now on what is heard of the meetings of these shards. The guests among them are ours, and due.
func (t *locked) hold(shards shardSet) {
	fresh := shards &^ t.held
	t.held |= shards
	for _, m := range t.meetings {
		if fresh.has(m.shard) {
			t.arrange(m, t.now())
		}
	}
}

// resume goes on with a stored meeting. It was in sight until somebody looked after its shard last: a look that finds
// nothing new leaves no trace of its own.
//
// The meetings come in no certain order: of many, always the same would have to wait where owners do not live for long.
func (t *locked) resume(record diff.Record, beats [events.Shards]time.Time) {
	id := record.State.ConferenceID
	m, ok := t.meetings[id]
	switch {
	case ok:
		t.adopt(m, record, read) // it was a guest, or was heard of meanwhile
		if m.watched && !m.busy && m.lastSeen.Never() {
			t.goOn(m, record.State, beats)
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
	t.goOn(m, record.State, beats)
}

// goOn has a meeting looked at that was watched before we came.
func (t *locked) goOn(m *meeting, s *diff.State, beats [events.Shards]time.Time) {
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

// admit puts a meeting whose state is known into the table.
func (t *locked) admit(m *meeting, record diff.Record) {
	t.meetings[m.id] = m
	t.keep(m, record)
}

// fetch reads a meeting's state into the table, with what is known of it that is not stored.
func (p *Poller) fetch(ctx context.Context, m *meeting) (diff.Record, error) {
	var known uint64
	var lookedAt int64
	var losses int32
	p.table.With(func(*locked) { known, lookedAt, losses = m.record.Revision, m.lookedAt, m.losses })
	record, err := p.store.Load(ctx, m.id)
	if err == nil && record.Revision < known {
		return p.regain(ctx, m, known)
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
		if m.losses == losses { // else less is stored by now
			t.adopt(m, record, read)
		}
	})
	return record, nil
}
