package poller

import (
	"context"
	"iter"

	"github.com/c4342123/rollcall/diff"
)

// Store is where the poller keeps what has been announced. Its methods are safe for concurrent use.
type Store interface {
	// All returns every stored state; of one that is returned twice, the later is the newer. An error that wraps
	// [diff.ErrCorruptState] is about one state, and the others follow; any other is the last.
	All(ctx context.Context) iter.Seq2[diff.Record, error]
	// Load reads the state of one meeting; a meeting nothing is known of has revision 0.
	Load(ctx context.Context, conferenceID string) (diff.Record, error)
	// Update runs compare on the state of base and stores the result whole and once, or returns an error. When
	// somebody else has stored another state meanwhile, compare runs again, on that one. It returns what is stored
	// now and the result of the last comparison.
	Update(ctx context.Context, base diff.Record, compare func(*diff.State) diff.Result) (diff.Record, diff.Result, error)
}
