package pause

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// Growing returns pauses that grow from first, by half each time and with half of each left to
// chance, go no higher than longest, and never end. Options change that.
func Growing(first, longest time.Duration, options ...backoff.ExponentialBackOffOpts) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(append([]backoff.ExponentialBackOffOpts{
		backoff.WithInitialInterval(first), backoff.WithMaxInterval(longest), backoff.WithMaxElapsedTime(0),
	}, options...)...)
}

// Doubling returns pauses that double from first and go no higher than longest. Options are as for
// [Growing].
func Doubling(first, longest time.Duration, options ...backoff.ExponentialBackOffOpts) *backoff.ExponentialBackOff {
	return Growing(first, longest, append([]backoff.ExponentialBackOffOpts{backoff.WithMultiplier(2)}, options...)...)
}

// After is how long to wait after so many failures in a row, where only their number is known:
// first after none, twice as long after each, and longest at most.
func After(failures int, first, longest time.Duration) time.Duration {
	const most = 16 // more doublings are beyond every bound
	return min(first<<min(failures, most), longest)
}

// Until makes attempts, with [Growing] pauses between them, until one succeeds, fails for good
// ([backoff.Permanent]), or ctx ends.
func Until[T any](ctx context.Context, first, longest time.Duration, attempt func() (T, error)) (T, error) {
	return backoff.RetryWithData(attempt, backoff.WithContext(Growing(first, longest), ctx))
}
