package poller

import (
	"context"
	"iter"

	"github.com/c4342123/rollcall/diff"
)

// Store is where the poller keeps what has been announced. Its methods are safe for concurrent use.
// A store may also be a [Follower], a [Pulse] and an [Auditor].
type Store interface {
	// All returns every stored state, of some shards or, without any, of all. One that is replaced
	// meanwhile may be returned twice, the newer later, or be left out if the store is a
	// [Follower]. An error that wraps [diff.ErrCorruptState] is about one state, and the others
	// follow; any other error is the last.
	All(ctx context.Context, shards ...int) iter.Seq2[diff.Record, error]
	// Load reads the state of one meeting; a meeting of which nothing is stored has revision 0.
	Load(ctx context.Context, conferenceID string) (diff.Record, error)
	// Update applies want to the state of base and stores the result as a whole and once, or
	// returns an error. If another replica has stored a state meanwhile, want is applied again, to
	// that state. It returns what is stored now and what want gave last. An error that wraps
	// [diff.ErrLost] says that what is stored is older than base, and comes with what is stored.
	// [diff.ErrRemembered] says that the events can be stored in a while only.
	Update(ctx context.Context, base diff.Record, want diff.Intent) (diff.Record, diff.Result, error)
}

// Follower is a [Store] that tells of every state that is stored, by any replica. A poller that
// shares the meetings with other replicas needs one.
type Follower interface {
	// Position is how far the stream reaches: every state stored from now on comes after it.
	Position(ctx context.Context) (diff.Position, error)
	// Follow tells of every state stored after a position, in order, until it fails or ctx ends; it
	// returns why. It may leave out a state that was replaced meanwhile. An error that wraps
	// [diff.ErrAnew] says that the stream is not the one of the position any more.
	Follow(ctx context.Context, after diff.Position, tell func(conferenceID string, at diff.Position)) error
}

// Auditor is a [Store] that can lose what it has stored without an error, and can be asked what it
// has. With a store that is none, a loss is noticed only when something is stored.
type Auditor interface {
	// Stored returns the meetings of a shard of which a state is stored, and the revision below
	// which none is. It may be behind what was stored last.
	Stored(ctx context.Context, shard int) (meetings map[string]struct{}, oldest uint64, err error)
	// Barrier returns when Load sees everything that was stored before.
	Barrier(ctx context.Context) error
}
