package poller

import (
	"context"
	"math/bits"
	"sync"

	"github.com/c4342123/rollcall/poller/guarded"
)

// Shards says which meetings this replica looks at, and which others do: each meeting belongs to
// the shard that [events.Shard] tells. Its methods are safe for concurrent use and return at once.
type Shards interface {
	// Owns tells whether this replica looks at the meetings of a shard, at this moment.
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

// followShards takes over the meetings of shards that become ours, and lets go of those that no
// longer are, until ctx ends.
func (p *Poller) followShards(ctx context.Context) {
	if p.opts.Shards == nil {
		return
	}
	var taking sync.WaitGroup
	defer taking.Wait()
	changed := make(chan struct{}, 1)
	taking.Go(func() { p.takeShards(ctx, changed) })
	for ctx.Err() == nil {
		// Also while states are read: a shard may be lost and come back meanwhile.
		p.table.With((*locked).releaseShards)
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

// takeShards reads the states of shards that have become ours, whenever there is a token in
// changed.
func (p *Poller) takeShards(ctx context.Context, changed <-chan struct{}) {
	for {
		select {
		case <-changed:
		case <-ctx.Done():
			return
		}
		for retry := newReadRetry(); ; {
			err := p.takeOver(ctx, guarded.Get(p.table, (*locked).unread))
			if err == nil {
				p.health.ok(areaShards)
				break
			}
			if ctx.Err() == nil {
				p.storeTrouble(areaShards, err)
			}
			if !retry.wait(ctx) {
				return
			}
		}
	}
}

// unread are the shards that are ours and whose states have not been read.
func (t *locked) unread() shardSet { return t.owned() &^ t.complete }

// releaseShards removes the meetings of shards that are not ours any more, and ends the routine
// looks at them: the new owner looks at once.
func (t *locked) releaseShards() {
	gone := t.held &^ t.owned()
	if gone == 0 {
		return
	}
	t.held &^= gone
	t.complete &^= gone
	t.covered &^= gone
	for _, m := range t.meetings {
		if !gone.has(m.shard) {
			continue
		}
		t.rememberReleased(m)
		if !m.busy && !m.storing && !m.wanted() && m.claims == 0 {
			t.forget(m)
		}
	}
	for l, cancel := range t.looks {
		if gone.has(l.m.shard) {
			cancel()
		}
	}
}

// Quiet returns when no routine look is under way at a meeting that is not ours any more. Then its
// shard can be handed over. It returns the cause of ctx when that ends before.
func (p *Poller) Quiet(ctx context.Context) error {
	p.table.With((*locked).releaseShards)
	for {
		ended := guarded.Get(p.table, (*locked).nextLookEnd)
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

// nextLookEnd returns a channel that is closed when the next look ends, or nil if no look has to be
// waited for.
func (t *locked) nextLookEnd() <-chan struct{} {
	for l := range t.looks {
		if t.mine(l.m) {
			continue
		}
		if t.lookEnded == nil {
			t.lookEnded = make(chan struct{})
		}
		return t.lookEnded
	}
	return nil
}

// enter registers a routine look, and returns its context. It refuses a look at a meeting that is
// not ours any more: this process may have been stopped for a while.
func (t *locked) enter(ctx context.Context, l *look) (context.Context, bool) {
	if !l.routine {
		return ctx, true
	}
	if !t.mine(l.m) {
		t.releaseShards()
		return ctx, false
	}
	ctx, t.looks[l] = context.WithCancel(ctx)
	return ctx, true
}

// leave is the counterpart of enter.
func (t *locked) leave(l *look) {
	cancel, ok := t.looks[l]
	if !ok {
		return
	}
	cancel()
	delete(t.looks, l)
	if t.lookEnded != nil {
		close(t.lookEnded)
		t.lookEnded = nil
	}
}
