package shards

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// runner is what a replica's Run keeps to itself: one goroutine owns it.
type runner struct {
	*Replica
	id       string // of this incarnation; "" when it has not joined
	again    bool   // an earlier incarnation of this process was lost
	first    uint64 // revision of the first announcement
	revision uint64 // of the last announcement that is known to be stored
	newest   uint64 // revision that whatever is read must have reached
	toldOf   uint64 // highest revision that the feed has told of and that was not read yet
	accepted moment // when the first announcement had been accepted
	admitted bool

	sent    moment // when the last accepted announcement began to be sent
	renewed bool   // sent is set
	due     moment // when the next announcement is to be sent, at the latest

	view            snapshot
	seen            map[string]observed // of the others, by id
	lastCandidates  string              // the replicas that may have shards
	candidatesSince moment              // since when these

	going Set      // shards that are being handed over: ours, and not to be looked at
	idle  Set      // those of them that this replica looks at no more
	quiet chan Set // yields the set that Quiet was called for; nil when it is not under way
	// pending says that an update of the owners was sent and not answered: the server can still
	// apply it while their revision is pendingAt.
	pending     bool
	pendingAt   uint64
	leaving     bool
	failure     error               // of the last turn
	outside     snapshot            // the bucket as it is while this replica cannot join
	outsideSeen map[string]observed // of the replicas in it, by id

	fence   *time.Timer // tells when the leases run out
	changes chan change // from the feed
}

// observed is the last revision of another replica's announcement, and when it was first seen.
type observed struct {
	revision uint64
	at       moment
}

func newRunner(r *Replica) *runner {
	return &runner{
		Replica: r, seen: map[string]observed{}, changes: make(chan change, maxChanges),
		fence: time.AfterFunc(time.Hour, r.notify),
	}
}

// joined tells whether this incarnation is among the replicas.
func (r *runner) joined() bool { return r.id != "" }

// interval is the time between two announcements.
func (r *runner) interval() time.Duration { return r.opts.TTL / 3 }

// retryPause is the time between two attempts at what fails.
func (r *runner) retryPause() time.Duration { return r.opts.TTL / 20 }

// limited bounds one request to the server. Even if the answer to an announcement is lost there is
// time for another.
func (r *runner) limited(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, r.opts.TTL/2)
}

func (r *runner) run(ctx context.Context) error {
	defer r.fence.Stop()
	sub, err := r.bucket.conn.Subscribe(feed+">", r.queue)
	if err != nil {
		return fmt.Errorf("shards: follow the bucket: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only on a connection that is closed
	for ctx.Err() == nil {
		r.wait(ctx, r.turn(ctx, r.share))
	}
	r.leave(ctx)
	return nil
}

// turn does what is due and returns how long until there may be more to do.
func (r *runner) turn(ctx context.Context, then func(context.Context) error) time.Duration {
	err := r.step(ctx)
	if err == nil {
		err = then(ctx)
	}
	if r.failure = err; err != nil && !r.joined() {
		r.lookOutside(ctx)
	}
	r.publish()
	if err != nil {
		r.failed(ctx, err)
		return r.retryPause()
	}
	r.opts.Reporter.OK("shards")
	return max(r.next(), time.Millisecond)
}

func (r *runner) failed(ctx context.Context, err error) {
	passing := errors.Is(err, errLost) || errors.Is(err, errChanged) && r.good()
	if ctx.Err() == nil && !passing {
		r.opts.Reporter.Failed("shards", err)
	}
}

// wait waits for d, and not longer than until something happens.
func (r *runner) wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case set := <-r.quiet:
			r.quiet = nil
			r.idle |= set & r.going
			return
		case h := <-r.changes:
			if r.learn(h) {
				return
			}
		}
	}
}

// next returns how long until there is something to do if nothing happens.
func (r *runner) next() time.Duration {
	at := r.now()
	d := r.due.mono - at.mono
	for id, s := range r.seen {
		d = min(d, r.view.replicas[id].patience(r.opts.TTL)-at.atLeast(s.at))
	}
	if wait := r.interval() - at.atLeast(r.candidatesSince); wait > 0 {
		d = min(d, wait)
	}
	if r.joined() && !r.admitted {
		d = min(d, r.probation()-at.atLeast(r.accepted))
	}
	return d
}
