// Package pause waits.
package pause

import (
	"context"
	"time"
)

// For waits for d, and returns false if ctx ends before. A d that is not positive is over at once.
func For(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// Every calls do once every d, and at once when something comes from woken, which may be nil, until
// ctx ends.
func Every(ctx context.Context, d time.Duration, woken <-chan struct{}, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-woken:
		}
		do()
	}
}
