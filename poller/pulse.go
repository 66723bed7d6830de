package poller

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

const (
	// pulseEvery is how often a beat is stored, while that goes well.
	pulseEvery = 5 * time.Second
	// pulseAtLeast is the time between two beats while that fails, or when something else could not
	// be stored or read.
	pulseAtLeast = time.Second
	// pulseTimeout is how long the store may take for a beat.
	pulseTimeout = 3 * time.Second
)

// Pulse is a [Store] that also keeps when the meetings of each shard were last looked after.
// Without it, the times when Rollcall was down are not announced as gaps, and whether the store
// takes anything shows only when there is something to store.
type Pulse interface {
	// Beat stores that these shards are looked after now; without any, it stores again what it
	// stored last. It succeeds only if a commit would.
	Beat(ctx context.Context, shards ...int) error
	// LastBeats returns when each shard was last looked after; the zero time if that was never
	// stored.
	LastBeats(ctx context.Context) ([events.Shards]time.Time, error)
}

// pulse stores which shards we look after, until ctx ends. That also shows whether the store works:
// there may be nothing else to store for hours, and reading proves nothing about it.
func (p *Poller) pulse(ctx context.Context) {
	if _, ok := p.store.(Pulse); !ok {
		return
	}
	for {
		p.beat(ctx)
		again := time.NewTimer(pulseAtLeast)
		select {
		case <-again.C:
		case <-ctx.Done():
			again.Stop()
			return
		}
		if p.health.fails(areaStore) {
			continue
		}
		again.Reset(pulseEvery - pulseAtLeast)
		select {
		case <-again.C:
		case <-p.beatDue:
			again.Stop()
		case <-ctx.Done():
			again.Stop()
			return
		}
	}
}

// beat stores which shards we look after, and reports whether that worked.
func (p *Poller) beat(outer context.Context) {
	ctx, cancel := context.WithTimeout(outer, pulseTimeout)
	defer cancel()
	suspects := p.health.suspects()
	err := p.store.(Pulse).Beat(ctx, guarded.Get(p.table, (*locked).lookedAfter).list()...)
	switch {
	case outer.Err() != nil:
	case err != nil:
		p.health.failed(areaStore, err)
	default:
		p.health.ok(areaStore)
		p.health.confirm(suspects)
	}
}

// beatSoon has the next beat stored at once, or [pulseAtLeast] after the last.
func (p *Poller) beatSoon() {
	select {
	case p.beatDue <- struct{}{}:
	default:
	}
}

// lookedAfter are the shards that we look after.
func (t *locked) lookedAfter() shardSet { return t.covered & t.owned() }

// StoreAttempted is for a store that tries several times before it gives up: it tells the poller
// how each attempt went, nil when something was stored, otherwise why not.
func (p *Poller) StoreAttempted(err error) {
	if err == nil {
		p.health.ok(areaStore)
		return
	}
	if p.health.failed(areaStore, err) {
		p.beatSoon()
	}
}

// notStored notes that something could not be stored. It will be tried again.
func (p *Poller) notStored(err error) {
	if !p.waitsForIDs(err) {
		p.beatSoon()
	}
}

// storeTrouble notes that something could not be read or stored. If the next beat cannot be stored
// either, only that is reported; otherwise this is.
func (p *Poller) storeTrouble(area string, err error) {
	if p.waitsForIDs(err) {
		return
	}
	if _, ok := p.store.(Pulse); !ok {
		p.health.failed(area, err)
		return
	}
	p.health.suspect(area, err)
	p.beatSoon()
}

// lastBeats is when each shard was last looked after; the zero time if that is not known.
func (p *Poller) lastBeats(ctx context.Context) ([events.Shards]time.Time, error) {
	if pulse, ok := p.store.(Pulse); ok {
		return pulse.LastBeats(ctx)
	}
	return [events.Shards]time.Time{}, nil
}
