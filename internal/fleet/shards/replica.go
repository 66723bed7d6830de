// Package shards decides which replica looks at which meetings. Every meeting belongs to one of 64
// shards, and a replica looks at the meetings of the shards that it holds the lease of.
//
// The replicas share one key-value bucket of NATS. Each announces itself there under a key of its
// own, and again three times per TTL; one key names the owner of every shard. A lease is good as
// long as the announcement of its owner is:
//
//   - Nobody takes a shard from a replica whose key is there. Only the replica itself gives shards
//     away.
//   - A replica trusts its leases until one TTL, less a margin, after it began to send the last
//     announcement that was accepted. It need not be running to lose them.
//   - A replica that sees another's key unchanged for that TTL removes it, by compare-and-set. That
//     proves that no announcement was accepted since it first saw the last one, so the leases have
//     run out; and none will be, as an announcement replaces the one before it or is refused. The
//     replica notices and joins anew under another id.
//
// So no two replicas hold a shard at the same time, whatever the clocks of replicas and servers
// show, and however long messages take: only the rates of the replicas' clocks must agree within
// the margin. The server expires nothing. After an outage every replica goes on with what it had.
//
// The one exception is a bucket that is deleted: a process that is started within one TTL after
// that cannot know that others had leases. Two replicas then look at the same meetings for that
// long, which costs calls and nothing else.
package shards

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/poller/condition"
)

// The bounds of a TTL.
const (
	DefaultTTL = 2500 * time.Millisecond
	MinTTL     = 100 * time.Millisecond
	MaxTTL     = time.Minute
)

// Options of a replica. The zero value works.
type Options struct {
	// Name is how the replica is called on status pages; host and process id when it is empty. Two
	// of one name do no harm.
	Name string
	// Replicas is how many copies the servers keep of what is stored; 1 when 0.
	Replicas int
	// TTL is how long after its last announcement a replica is left its leases; [DefaultTTL] when
	// 0, at least [MinTTL] and at most [MaxTTL]. Replicas with different ones get along.
	TTL time.Duration
	// Format is the newest format of the stream that this replica can read and write; see
	// [Replica.Can].
	Format int
	// Quiet is called before shards are handed over, when they have gone from [Replica.Mine]. It
	// returns when nothing looks at their meetings any more, and at the latest when its context
	// ends, which is after one TTL. Shards that are lost because NATS is away are not asked about.
	// It may be nil.
	Quiet func(ctx context.Context, going Set)
	// Reporter hears under the key "shards" whether leases can be renewed; Logger of what changes.
	// They may be nil.
	Reporter condition.Reporter
	Logger   *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		host, err := os.Hostname()
		if err != nil {
			host = "unknown"
		}
		o.Name = fmt.Sprintf("%s-%d", host, os.Getpid())
	}
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.TTL == 0 {
		o.TTL = DefaultTTL
	}
	if o.Quiet == nil {
		o.Quiet = func(context.Context, Set) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Reporter = condition.OrNone(o.Reporter)
	return o
}

func (o Options) check() error {
	switch {
	case o.Replicas < 1 || o.Replicas > 5:
		return fmt.Errorf("replicas: %d is not 1 to 5", o.Replicas)
	case o.TTL < MinTTL || o.TTL > MaxTTL:
		return fmt.Errorf("TTL: %s is not %s to %s", o.TTL, MinTTL, MaxTTL)
	}
	return nil
}

// Replica is this process among those that share the work. It is made by [Open]; its methods are
// safe for concurrent use.
type Replica struct {
	opts     Options
	bucket   *bucket
	now      func() moment
	running  atomic.Bool
	standing atomic.Pointer[standing]
	changed  chan struct{}
}

// Open creates what the replicas share in NATS, or makes sure of what exists; [ErrBucket] says that
// this cannot be worked with. It does not take over conn, which is to stay open until [Replica.Run]
// has returned.
func Open(ctx context.Context, conn *nats.Conn, opts Options) (*Replica, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	b, err := openBucket(ctx, conn, opts.Replicas, opts.Logger)
	if err != nil {
		return nil, fmt.Errorf("shards: %w", err)
	}
	r := &Replica{opts: opts, bucket: b, now: now, changed: make(chan struct{}, 1)}
	r.standing.Store(&standing{live: 1})
	return r, nil
}

// Run takes part until ctx ends; then it hands over what it has, which takes a few TTLs at most,
// and returns nil. Whatever fails meanwhile is reported and tried again. Run can be called once.
func (r *Replica) Run(ctx context.Context) error {
	if r.running.Swap(true) {
		return errors.New("shards: Run was called twice")
	}
	return newRunner(r).run(ctx)
}

// Mine returns the shards whose lease is good at this very moment. Leases that are not renewed in
// time are gone from it when their time is up, whatever this process did meanwhile.
func (r *Replica) Mine() Set { return r.current().mine }

// Owns tells whether a shard is in [Replica.Mine].
func (r *Replica) Owns(shard int) bool { return r.Mine().Has(shard) }

// Admitted tells whether every other live replica must have noticed this one, and whether this one
// would notice others: only then it may take its share of what all replicas have together. At every
// moment the replicas that are admitted are at most as many as each of them counts by
// [Replica.Live].
func (r *Replica) Admitted() bool { return r.current().admitted }

// Live returns how many replicas are live, this one included, as far as this one knows.
func (r *Replica) Live() int { return r.standing.Load().live }

// Can tells whether every live replica can read and write a format of the stream. It is not said
// while this one does not know of all others, as when NATS is away or it has just joined. A replica
// that starts later may not be able to.
func (r *Replica) Can(format int) bool {
	s := r.current()
	return s.admitted && s.format >= format
}

// Owner returns the name of the replica that has a shard, as far as this one knows; "" when none
// has.
func (r *Replica) Owner(shard int) string {
	if shard < 0 || shard >= Count {
		return ""
	}
	return r.standing.Load().names[shard]
}

// Changed yields a token when what the other methods return may have changed. There is one channel,
// for one receiver.
func (r *Replica) Changed() <-chan struct{} { return r.changed }

// notify leaves a token in Changed.
func (r *Replica) notify() {
	select {
	case r.changed <- struct{}{}:
	default: // there is one
	}
}

// current returns what holds at this moment: nothing when the leases have run out.
func (r *Replica) current() *standing {
	if s := r.standing.Load(); s.good(r.now(), r.opts.TTL) {
		return s
	}
	return &standing{}
}
