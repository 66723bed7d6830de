package poller

import (
	"context"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

const (
	// pulseEvery is how often it is stored that we are alive, while that goes well.
	pulseEvery = 5 * time.Second
	// pulseAtLeast stands between two attempts while it does not, and whenever there is reason to doubt that it would.
	pulseAtLeast = time.Second
	// pulseTimeout is how long the store may take for it.
	pulseTimeout = 3 * time.Second
)

// Pulse is a [Store] that also keeps when somebody last looked after the meetings of each shard. A store without it leaves
// the times when Rollcall was down unannounced, and whether it takes anything shows only when there is something to store.
type Pulse interface {
	// Beat stores that somebody looks after these shards now; without any shards, what it stored last. It succeeds only
	// where a commit would.
	Beat(ctx context.Context, shards ...int) error
	// LastBeats returns when somebody last looked after each shard; the zero time where that was never stored.
	LastBeats(ctx context.Context) ([events.Shards]time.Time, error)
}

// pulse stores which shards we look after, until ctx ends. That is also what shows whether the store works: there may be
// nothing else to store for hours, and that something can be read proves nothing.
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

// beat stores which shards we look after, and reports how that went.
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

// beatSoon has it stored at once which shards we look after, or within [pulseAtLeast].
func (p *Poller) beatSoon() {
	select {
	case p.beatDue <- struct{}{}:
	default:
	}
}

// lookedAfter are the shards that we look after.
func (t *locked) lookedAfter() shardSet { return t.covered & t.owned() }

// StoreAttempted tells the poller how an attempt to store something went, for a store that tries several times before it
// gives up: nil when it is stored, otherwise why not.
func (p *Poller) StoreAttempted(err error) {
	if err == nil {
		p.health.ok(areaStore)
		return
	}
	if p.health.failed(areaStore, err) {
		p.beatSoon()
	}
}

// notStored takes note that something could not be stored, which will be tried again.
func (p *Poller) notStored(err error) {
	if !p.waitsForIDs(err) {
		p.beatSoon()
	}
}

// storeTrouble takes note that something could not be read or stored. If nothing can be stored at all, that is what
// is reported; else the next beat that is stored shows that it is a matter of its own.
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

// lastBeats is when somebody last looked after each shard; the zero time where that is not known.
func (p *Poller) lastBeats(ctx context.Context) ([events.Shards]time.Time, error) {
	if pulse, ok := p.store.(Pulse); ok {
		return pulse.LastBeats(ctx)
	}
	return [events.Shards]time.Time{}, nil
}
