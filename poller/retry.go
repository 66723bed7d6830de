package poller

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Two things are tried again here. A look that failed is made again after retryAfter, for as long
// as its meeting is watched: it waits in the queue like any other. Reading the store for all
// meetings is tried again by a readRetry, until the poller stops. A single call is tried again by
// the source, a single commit by the store.

const (
	firstRetry = time.Second
	// maxRetry is the longest pause after most failures: a recovery is noticed as soon as an end
	// is.
	maxRetry = checkAfter
	// maxStoreRetry is the longest pause before a state is read again, which costs no call.
	maxStoreRetry = 5 * time.Second
	// deniedRetry is the longest pause after what only people can mend: missing permissions, or a
	// month's calls that are used up.
	deniedRetry = 5 * time.Minute
)

// retryAfter is the pause after a number of failures in a row.
func retryAfter(failures int, longest time.Duration) time.Duration {
	d := firstRetry
	for i := 1; i < failures && d < longest; i++ {
		d *= 2
	}
	return min(d, longest)
}

// longestPause is the longest pause after this trouble.
func (t Trouble) longestPause() time.Duration {
	if t == Denied || t == Exhausted {
		return deniedRetry
	}
	return maxRetry
}

// jittered spreads what would otherwise happen at one moment: it takes up to a tenth off d, but
// does not go below floor. random is in [0, 1).
func jittered(d, floor time.Duration, random float64) time.Duration {
	return max(d-time.Duration(float64(d)*random/10), min(d, floor))
}

// readRetry paces the attempts to read from the store. Reset is for when one succeeded.
type readRetry struct{ *backoff.ExponentialBackOff }

func newReadRetry() readRetry {
	return readRetry{backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(firstRetry),
		backoff.WithMaxInterval(maxStoreRetry),
		backoff.WithMultiplier(2),
		backoff.WithRandomizationFactor(0), // wait adds the jitter
		backoff.WithMaxElapsedTime(0),      // the context ends it
	)}
}

// wait waits for the next attempt, and tells whether ctx is still good.
func (r readRetry) wait(ctx context.Context) bool {
	timer := time.NewTimer(jittered(r.NextBackOff(), 0, rand.Float64()))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
