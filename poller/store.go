package poller

import (
	"context"
	"iter"

	"github.com/c4342123/rollcall/diff"
)

// Store is where the poller keeps what has been announced. Its methods are safe for concurrent use. A store may be a
// [Follower] and a [Pulse], too.
type Store interface {
	// All returns every stored state, of some shards or, without any, of all; of one that is returned twice, the later is
	// the newer. One that is replaced meanwhile may be left out, if the store is a [Follower]. An error that wraps
	// [diff.ErrCorruptState] is about one state, and the others follow; any other is the last.
	All(ctx context.Context, shards ...int) iter.Seq2[diff.Record, error]
	// Load reads the state of one meeting; a meeting nothing is known of has revision 0.
	Load(ctx context.Context, conferenceID string) (diff.Record, error)
	// Update applies want to the state of base and stores the result whole and once, or returns an error. When
	// somebody else has stored another state meanwhile, want is applied again, to that one. It returns what is stored
	// now and what want gave last. An error that wraps [diff.ErrLost] says that what is stored is older
	// than base, and comes with it; [diff.ErrRemembered], that the store takes the events in a while only.
	Update(ctx context.Context, base diff.Record, want diff.Intent) (diff.Record, diff.Result, error)
}

// Follower is a [Store] that tells of what is stored, by whomever. A poller that shares the meetings with others needs
// one, to hear of what they do.
type Follower interface {
	// Position is what was stored last: every state stored from now on comes after it.
	Position(ctx context.Context) (diff.Position, error)
	// Follow tells of every state stored after a position, in order, until it fails or ctx ends; it returns why. Of a
	// state that was replaced meanwhile it may tell of the newer only. An error that wraps [diff.ErrAnew] says that what
	// is stored is not what the position was about.
	Follow(ctx context.Context, after diff.Position, tell func(conferenceID string, at diff.Position)) error
}

// Auditor is a [Store] that can lose behind our back what it has stored, and can be asked what it has. In a store without
// it a loss is noticed only when something is stored.
type Auditor interface {
	// Stored returns of which meetings of a shard a state is stored, and the revision before which none is. It may be
	// behind what was stored last.
	Stored(ctx context.Context, shard int) (meetings map[string]struct{}, oldest uint64, err error)
	// Barrier returns when Load sees everything that was stored before.
	Barrier(ctx context.Context) error
}
