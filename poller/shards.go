package poller

import (
	"context"
	"math/bits"
	"sync"

	"github.com/c4342123/rollcall/events"
)

// Shards says which meetings are to be looked at here, and which by other replicas: each belongs to the shard that
// [events.Shard] tells. Its methods are safe for concurrent use and return at once.
type Shards interface {
	// Owns tells whether the meetings of a shard are ours to look at, at this moment.
	Owns(shard int) bool
	// Changed yields a token after what Owns tells has changed. The poller is its only receiver.
	Changed() <-chan struct{}
}

// shardSet is a set of shards: bit n stands for shard n.
type shardSet uint64

func (s shardSet) has(shard uint8) bool { return s>>shard&1 != 0 }

// list returns the shards of the set.
func (s shardSet) list() []int {
	out := make([]int, 0, bits.OnesCount64(uint64(s)))
	for rest := s; rest != 0; rest &= rest - 1 {
		out = append(out, bits.TrailingZeros64(uint64(rest)))
	}
	return out
}

// owned are the shards that are ours at this moment.
func (p *Poller) owned() shardSet {
	if p.opts.Shards == nil {
		return ^shardSet(0)
	}
	var s shardSet
	for shard := range events.Shards {
		if p.opts.Shards.Owns(shard) {
			s |= 1 << shard
		}
	}
	return s
}

// mine tells whether a meeting is ours to look at unasked, at this moment. The caller holds mu.
func (p *Poller) mine(m *meeting) bool {
	return p.held.has(m.shard) && (p.opts.Shards == nil || p.opts.Shards.Owns(int(m.shard)))
}

// tend takes the meetings of the shards that become ours, and lets go of those that no longer are, until ctx ends.
func (p *Poller) tend(ctx context.Context) {
	if p.opts.Shards == nil {
		return
	}
	var taking sync.WaitGroup
	defer taking.Wait()
	changed := make(chan struct{}, 1)
	taking.Go(func() { p.takeShards(ctx, changed) })
	for ctx.Err() == nil {
		p.shed() // also while states are being read: a shard may come back soon, and others have had it meanwhile
		select {
		case changed <- struct{}{}:
		default:
		}
		select {
		case <-p.opts.Shards.Changed():
		case <-ctx.Done():
		}
	}
}

// takeShards reads the states of shards that have become ours, whenever there is a token in changed.
func (p *Poller) takeShards(ctx context.Context, changed <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		for failures := 1; ; failures++ {
			err := p.gain(ctx, p.lacking())
			if err == nil {
				p.health.ok(areaShards)
				break
			}
			if ctx.Err() == nil {
				p.storeTrouble(areaShards, err)
			}
			if !p.pauseLoading(ctx, failures) {
				return
			}
		}
	}
}

// lacking are the shards that are ours and whose states have not been read.
func (p *Poller) lacking() shardSet {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.owned() &^ p.complete
}

// shed lets go of the meetings of shards that are not ours any more, and ends the looks at them that nobody asked for:
// whoever has them now looks at once.
func (p *Poller) shed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.letGo()
}

// letGo is shed for who holds mu.
func (p *Poller) letGo() {
	gone := p.held &^ p.owned()
	if gone == 0 {
		return
	}
	p.held &^= gone
	p.complete &^= gone
	p.covered &^= gone
	for _, m := range p.meetings {
		if gone.has(m.shard) && !m.busy && !m.storing && !m.wanted() && m.claims == 0 {
			p.forget(m)
		}
	}
	for l, cancel := range p.looks {
		if gone.has(l.m.shard) {
			cancel()
		}
	}
}

// Quiet returns when no look is under way at a meeting that is not ours any more, but for those that somebody has asked
// for: then its shard can be handed over. It returns the cause of ctx when that ends before.
func (p *Poller) Quiet(ctx context.Context) error {
	p.shed()
	for {
		ended := p.unquiet()
		if ended == nil {
			return nil
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// unquiet returns what is closed when the next look ends, or nil when nothing is to be waited for.
func (p *Poller) unquiet() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.looks {
		if p.mine(l.m) {
			continue
		}
		if p.lookEnded == nil {
			p.lookEnded = make(chan struct{})
		}
		return p.lookEnded
	}
	return nil
}

// enter registers a look that nobody asked for, and returns the context it has. It refuses one at a meeting that is
// not ours any more: this process may have been stopped for a while.
func (p *Poller) enter(ctx context.Context, l *look) (context.Context, bool) {
	if !l.routine {
		return ctx, true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.mine(l.m) {
		p.letGo()
		return ctx, false
	}
	ctx, p.looks[l] = context.WithCancel(ctx)
	return ctx, true
}

// leave is the counterpart of enter. The caller holds mu.
func (p *Poller) leave(l *look) {
	cancel, ok := p.looks[l]
	if !ok {
		return
	}
	cancel()
	delete(p.looks, l)
	if p.lookEnded != nil {
		close(p.lookEnded)
		p.lookEnded = nil
	}
}
