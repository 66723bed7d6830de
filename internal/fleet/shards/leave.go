package shards

import (
	"context"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// leaveAttempts is how often a replica tries to say that it leaves.
const leaveAttempts = 3

// leave stops relying on anything and tells the others at once that they can have it.
func (r *runner) leave(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	had := r.current().mine | r.going
	r.leaving = true
	r.publish()
	r.awaitQuiet(ctx)
	if rest := had &^ r.quieted; r.joined() && rest != 0 {
		r.hush(ctx, rest)
		r.awaitQuiet(ctx)
	}
	r.standing.Store(&standing{live: 1})
	r.notify()
	if !r.joined() {
		return
	}
	err := r.farewell(ctx)
	if err != nil {
		r.opts.Logger.Warn("cannot tell the other replicas that this one stops: they wait for it", "for", r.opts.TTL, "error", err)
	}
}

// awaitQuiet waits until nobody looks at what is handed over, and keeps the leases until then.
func (r *runner) awaitQuiet(ctx context.Context) {
	for r.quiet != nil {
		d := r.interval()
		if r.joined() {
			d = r.turn(ctx, func(context.Context) error { return nil })
		}
		r.wait(ctx, d)
	}
}

// farewell removes this replica's announcement. Nobody but it itself would have replaced that.
func (r *runner) farewell(ctx context.Context) (err error) {
	for range leaveAttempts {
		limited, cancel := r.limited(ctx)
		err = r.bucket.remove(limited, replicaPrefix+r.id, 0)
		cancel()
		if err == nil || !pause.For(ctx, r.retryPause()) {
			return err
		}
	}
	return err
}
