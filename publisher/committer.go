package publisher

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// maxBatch is how many messages a server takes in one batch unless it is configured otherwise.
	maxBatch = 1000
	// maxBatchBytes bounds what a batch of several meetings holds: a server must be able to store
	// it well within the time an answer is waited for.
	maxBatchBytes = 4 << 20
	// maxHeld bounds the jobs that the committer keeps for the next batch; more wait in Commit.
	maxHeld = 1000
	// stopGrace is how long a commit that is under way when the publisher is stopped may still
	// take.
	stopGrace = 4 * time.Second
)

// Run commits what [Publisher.Commit] hands it, many meetings at a time in one batch: storing a
// batch costs the server much the same whatever its size. It blocks until ctx ends; a commit under
// way is then finished or, after a few seconds, given up, and those that wait get [ErrStopped]. It
// can be called once. It returns nil after ctx, or a [PrivacyError] when somebody has changed how the
// stream tells of people.
func (p *Publisher) Run(ctx context.Context) error {
	if !p.running.CompareAndSwap(false, true) {
		return errors.New("publisher: Run was called before")
	}
	defer close(p.stopped)
	defer p.watch()()
	ctx, stop := context.WithCancel(ctx)
	var tending sync.WaitGroup
	defer tending.Wait()
	defer stop()
	tending.Go(func() { p.recreateWhenGone(ctx) })
	foreign := make(chan error, 1)
	tending.Go(func() {
		defer stop()
		foreign <- p.watchConfig(ctx)
	})
	work, cancel := outlive(ctx, stopGrace)
	defer cancel()

	var held []*job
	for {
		held = p.gather(ctx, held)
		if ctx.Err() != nil {
			for _, j := range held {
				p.finish(j, 0, ErrStopped)
			}
			return <-foreign
		}
		var group []*job
		group, held = p.pick(held)
		if len(group) > 0 {
			p.commitGroup(work, group)
		}
	}
}

// commitGroup finishes every job of a group within the time a commit is tried for.
func (p *Publisher) commitGroup(ctx context.Context, group []*job) {
	ctx, cancel := context.WithTimeout(ctx, p.opts.GiveUpAfter)
	defer cancel()
	p.commit(ctx, group)
}

// outlive returns a context that ends grace after ctx.
func outlive(ctx context.Context, grace time.Duration) (context.Context, context.CancelFunc) {
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(grace, cancel) })
	return work, func() { stop(); cancel() }
}

// gather adds every job that waits to held; without any it waits for one.
func (p *Publisher) gather(ctx context.Context, held []*job) []*job {
	if len(held) == 0 {
		select {
		case j := <-p.jobs:
			held = append(held, j)
		case <-ctx.Done():
			return held
		}
	}
	for len(held) < maxHeld {
		select {
		case j := <-p.jobs:
			held = append(held, j)
		default:
			return held
		}
	}
	return held
}

// pick takes from held the jobs of the next batch, in order, a meeting at most once: a second
// commit of a meeting starts from what the first one changes.
func (p *Publisher) pick(held []*job) (group, rest []*job) {
	seen := make(map[string]bool, len(held))
	limit := int(p.batchLimit.Load())
	count, size := 0, 0
	for i, j := range held {
		full := len(group) > 0 && (count+len(j.msgs) > limit || size+j.size > maxBatchBytes)
		if full {
			return group, append(rest, held[i:]...)
		}
		if seen[j.meeting] {
			rest = append(rest, j)
			continue
		}
		if !p.claim(j) {
			continue
		}
		seen[j.meeting] = true
		group = append(group, j)
		count, size = count+len(j.msgs), size+j.size
	}
	return group, rest
}
