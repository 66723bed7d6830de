package shards

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nuid"
)

// errLost says that this incarnation's leases are gone.
var errLost = errors.New("the leases are lost")

// step joins or, when that is due, announces this replica again, and reads how things stand.
func (r *runner) step(ctx context.Context) error {
	sent := r.now()
	if r.joined() && !r.admitted && r.good() && sent.atLeast(r.accepted) >= r.probation() {
		r.admitted, r.due = true, sent
	}
	announced, err := r.announce(ctx, sent)
	if err != nil && !errors.Is(err, errChanged) {
		return r.mend(ctx, err)
	}
	if err := r.look(ctx); err != nil {
		return r.mend(ctx, err)
	}
	if announced && err == nil {
		r.renewedAt(sent)
	}
	return err
}

// announce joins, or renews the announcement when that is due, and tells whether it did.
func (r *runner) announce(ctx context.Context, at moment) (bool, error) {
	if r.joined() && at.mono < r.due.mono {
		return false, nil
	}
	ctx, cancel := r.limited(ctx)
	defer cancel()
	id := r.id
	if id == "" {
		id = nuid.Next()
	}
	a := announcement{Name: r.opts.Name, TTL: r.opts.TTL.Milliseconds(), Since: r.first, Admitted: r.admitted, Format: r.opts.Format}
	revision, err := r.bucket.put(ctx, replicaPrefix+id, a.encode(), r.revision)
	if err != nil {
		return true, err // an id of which it is not known whether it joined is not used again
	}
	if !r.joined() {
		r.id, r.first, r.accepted = id, revision, r.now()
	}
	r.revision, r.newest = revision, max(r.newest, revision)
	r.due = moment{mono: at.mono + r.interval()}
	return true, nil
}

// mend creates the bucket again if it is gone, and returns why it had to.
func (r *runner) mend(ctx context.Context, err error) error {
	if !errors.Is(err, jetstream.ErrNoStreamResponse) && !errors.Is(err, nats.ErrNoResponders) {
		return err
	}
	ctx, cancel := r.limited(ctx)
	defer cancel()
	b, failed := openBucket(ctx, r.bucket.conn, r.opts.Replicas, r.opts.Logger)
	if failed != nil {
		return fmt.Errorf("%w; %w", err, failed)
	}
	r.bucket = b
	return err
}

// look reads the bucket and holds it against what this incarnation knows.
func (r *runner) look(ctx context.Context) error {
	limited, cancel := r.limited(ctx)
	defer cancel()
	view, err := r.bucket.read(limited, max(r.newest, r.toldOf))
	r.toldOf = 0
	if err != nil {
		return err
	}
	if view.upTo < r.newest && r.good() {
		return fmt.Errorf("read bucket %s: it is at revision %d, and was at %d", Bucket, view.upTo, r.newest)
	}
	self := view.replicas[r.id]
	switch {
	case view.upTo < r.newest, self.revision > 0 && self.revision < r.revision:
		return r.lose("the bucket went back to an earlier revision")
	case self.revision == 0:
		return r.lose("others saw no announcement for too long")
	case view.ownersErr != nil && r.view.ownersAt > 0 && r.view.ownersErr == nil:
		return r.lose(view.ownersErr.Error())
	}
	r.revision = self.revision // greater if it was not known that an announcement had been stored
	r.take(view)
	return nil
}

// take makes a view of the bucket the present one.
func (r *runner) take(view snapshot) {
	r.view, r.newest = view, max(r.newest, view.upTo)
	at := r.now()
	for id, p := range view.replicas {
		if id != r.id && r.seen[id].revision != p.revision {
			r.seen[id] = observed{revision: p.revision, at: at}
		}
	}
	for id := range r.seen {
		if _, there := view.replicas[id]; !there {
			delete(r.seen, id)
		}
	}
	if r.pending && view.ownersAt != r.pendingAt {
		r.pending = false
	}
	r.going &= view.owners.of(r.id)
	r.idle &= r.going
}

// renewedAt takes note of an announcement that was accepted, sent at a moment, and of a look at the
// bucket since.
func (r *runner) renewedAt(sent moment) {
	at := r.now()
	if r.renewed && sent.atLeast(r.sent) > r.opts.TTL/2 {
		// After an outage of this replica all others look silent: their time begins anew.
		for id, s := range r.seen {
			r.seen[id] = observed{revision: s.revision, at: at}
		}
	}
	r.sent, r.renewed = sent, true
	if !r.admitted && !r.again && !r.hasPredecessors() {
		r.admitted, r.due = true, at // nobody has to notice us: who comes later finds us
	}
}

// hasPredecessors tells whether others had joined before.
func (r *runner) hasPredecessors() bool {
	for id, p := range r.view.replicas {
		if id != r.id && p.Since < r.first {
			return true
		}
	}
	return false
}

// probation is how long after it joined every other replica has noticed this one or does not rely
// on anything any more.
func (r *runner) probation() time.Duration {
	d := r.opts.TTL
	for _, p := range r.view.replicas {
		d = max(d, p.patience(r.opts.TTL))
	}
	return d
}

// lose gives up this incarnation. The next one waits: others may rely for a while on what is lost,
// too.
func (r *runner) lose(why string) error {
	r.opts.Logger.Warn("lost all shards", "shards", r.view.owners.of(r.id).Len(), "reason", why)
	r.id, r.again = "", true
	r.first, r.revision, r.newest = 0, 0, 0
	r.admitted, r.renewed, r.pending = false, false, false
	r.going, r.idle = 0, 0
	r.view = snapshot{}
	clear(r.seen)
	return fmt.Errorf("%w: %s", errLost, why)
}

// good tells whether the leases hold at this moment.
func (r *runner) good() bool {
	return r.renewed && r.now().atMost(r.sent) < trust(r.opts.TTL)
}
