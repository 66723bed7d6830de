package poller

import (
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller/guarded"
)

const (
	// neglectedAfter is for how long nobody may have looked after a shard of others: several beats,
	// and short enough for it to be told within half a minute.
	neglectedAfter = 25 * time.Second
	// neglectEvery is how often that is asked.
	neglectEvery = 2 * time.Second
	// neglectAgain is how often the meetings of a shard are read that nobody looks after.
	neglectAgain = time.Minute
)

// Leases is a [Shards] that also knows which other replica has the lease of a shard. Without it
// nobody notices a replica that has leases and does not look.
type Leases interface {
	// Owner names the replica that has the lease of a shard; empty while none has.
	Owner(shard int) string
}

// neglect is what one replica knows of how others look after their shards.
type neglect struct {
	since moment                // it could be told without a break since
	told  [events.Shards]moment // when the gaps of a shard's meetings were announced last
}

// watchOthers announces gaps of meetings that another replica has the lease of, and does not look
// after, until ctx ends: it hangs, or it is none. Its lease is kept by itself, and stays with it.
func (p *Poller) watchOthers(ctx context.Context) {
	pulse, ok := p.store.(Pulse)
	leases, known := p.opts.Shards.(Leases)
	if !ok || !known {
		return
	}
	n := &neglect{since: p.now()}
	ticker := time.NewTicker(neglectEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if err := p.findNeglect(ctx, pulse, leases, n); err != nil && ctx.Err() == nil {
			p.storeTrouble(areaState, err)
		}
	}
}

// findNeglect looks once for shards that nobody looks after, reports them, and announces the gaps of
// their meetings. While nothing can be stored or read no beat is missed.
func (p *Poller) findNeglect(ctx context.Context, pulse Pulse, leases Leases, n *neglect) error {
	others := ^guarded.Get(p.table, (*locked).owned) & leased(leases)
	if others == 0 {
		n.since = p.now()
		p.health.ok(areaNeglect)
		return nil
	}
	if p.health.fails(areaStore) {
		n.since = p.now()
		return nil
	}
	beats, err := pulse.LastBeats(ctx)
	if err != nil {
		n.since = p.now()
		return err
	}
	late := others & lateShards(beats)
	if p.now()-n.since < neglectedAfter || late == 0 {
		if late == 0 {
			p.health.ok(areaNeglect)
		}
		return nil
	}
	p.health.failed(areaNeglect, fmt.Errorf("nobody looks after the meetings of %d of %d shards, which another replica has the lease of", len(late.list()), events.Shards))
	due := shardSet(0)
	for _, shard := range late.list() {
		if n.told[shard] == 0 || p.now()-n.told[shard] >= neglectAgain {
			due |= 1 << shard
		}
	}
	if due == 0 {
		return nil
	}
	if err := p.announceNeglect(ctx, due, beats); err != nil {
		return err
	}
	for _, shard := range due.list() {
		n.told[shard] = p.now()
	}
	return nil
}

// leased are the shards that somebody has the lease of.
func leased(leases Leases) (all shardSet) {
	for shard := range events.Shards {
		if leases.Owner(shard) != "" {
			all |= 1 << shard
		}
	}
	return all
}

// lateShards are those that nobody has looked after for too long.
func lateShards(beats [events.Shards]time.Time) (late shardSet) {
	for shard, beat := range beats {
		if time.Since(beat) >= neglectedAfter {
			late |= 1 << shard
		}
	}
	return late
}

// announceNeglect stores a gap for every watched meeting of the shards that has none yet.
func (p *Poller) announceNeglect(ctx context.Context, shards shardSet, beats [events.Shards]time.Time) error {
	var all errgroup.Group
	all.SetLimit(gapsAtOnce)
	for record, err := range p.store.All(ctx, shards.list()...) {
		if err != nil {
			continue // its own replica tells of a state that cannot be read; of the stream, the next reading
		}
		s := record.State
		last := beats[events.Shard(s.ConferenceID)]
		if !s.IsWatched() || s.GapFrom > 0 {
			continue
		}
		all.Go(func() error { return p.announceGap(ctx, s, last) })
	}
	return all.Wait()
}

// announceGap stores that nobody looks at a meeting since its shard was last looked after.
func (p *Poller) announceGap(ctx context.Context, s *diff.State, last time.Time) error {
	at := p.wall().UnixMilli()
	if last.IsZero() {
		last = time.Now().Add(-neglectedAfter)
	}
	m := guarded.Get(p.table, func(t *locked) *meeting { return t.visit(s.ConferenceID) })
	gap := diff.Gap{Since: s.Mark(), From: at - time.Since(last).Milliseconds(), At: at, Reason: events.GapDown}
	_, err := p.apply(ctx, m, diff.StartFirst{At: at, What: gap})
	return err
}
