package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/poller"
)

const (
	// storePatience is how long a request waits for a store that fails. The store itself tries for
	// longer, for changes that no request waits for.
	storePatience = 3 * time.Second
	// storeGlance is how often it is looked at meanwhile.
	storeGlance = 100 * time.Millisecond
)

// whileStored returns a context that also ends, with the trouble as its cause, when the store has
// failed for [storePatience]. What was asked for may be stored later all the same.
func whileStored(ctx context.Context, p *poller.Poller, d *diskWatch) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		tick := time.NewTicker(storeGlance)
		defer tick.Stop()
		for failed := time.Duration(0); failed < storePatience; {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			trouble, failing := p.Health().Failing[storeArea]
			if !failing {
				failed = 0
				continue
			}
			if failed += storeGlance; failed >= storePatience {
				cancel(fmt.Errorf("NATS: %w", d.explain(errors.New(trouble))))
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
