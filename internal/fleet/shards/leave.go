package shards

import (
	"context"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// leaveAttempts is how often a replica tries to say that it leaves.
const leaveAttempts = 3

// leave gives up all leases and tells the others at once that they can have them.
func (r *runner) leave(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	had := r.current().mine | r.going
	r.leaving = true
	r.publish()
	r.awaitQuiet(ctx)
	if rest := had &^ r.idle; r.joined() && rest != 0 {
		r.stopLooks(ctx, rest)
		r.awaitQuiet(ctx)
	}
	r.standing.Store(&standing{live: 1})
	r.notify()
	if !r.joined() {
		return
	}
	err := r.withdraw(ctx)
	if err != nil {
		r.opts.Logger.Warn("cannot tell the other replicas that this one stops: they wait for it", "for", r.opts.TTL, "error", err)
	}
}

// awaitQuiet waits until this replica looks at none of the shards that it hands over, and keeps the
// leases until then.
func (r *runner) awaitQuiet(ctx context.Context) {
	for r.quiet != nil {
		d := r.interval()
		if r.joined() {
			d = r.turn(ctx, func(context.Context) error { return nil })
		}
		r.wait(ctx, d)
	}
}

// withdraw removes this replica's announcement, which no other replica changes.
func (r *runner) withdraw(ctx context.Context) (err error) {
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
