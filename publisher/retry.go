package publisher

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/cenkalti/backoff/v4"
)

// A commit is tried again for two reasons, each bounded (a beat as well, see afterBeat):
//
//   - The server cannot take a batch now, or its answer is lost: the same batch is sent again, see
//     untilAnswered, for as long as [Options.GiveUpAfter] allows.
//   - Another writer was first: the state is read, and the intent applied again, see afterConflict,
//     maxRounds times at most.

// maxRounds is how often a comparison is made until a commit goes through. In each round another
// writer's commit went through, so many rounds in a row mean that many write for one meeting, which
// leases prevent.
const maxRounds = 20

// afterConflict paces, and bounds, what is compared again because another writer was first.
func afterConflict() backoff.BackOff {
	return backoff.WithMaxRetries(growing(2*time.Millisecond, 100*time.Millisecond, 2), maxRounds-1)
}

// afterBeat paces a beat that another replica's was stored before; the caller's context bounds it.
// No number of rounds would: all replicas write the one message, and each round is another's turn.
func afterBeat() backoff.BackOff { return growing(2*time.Millisecond, 250*time.Millisecond, 2) }

// untilAnswered paces the attempts to send one batch; the context bounds them.
func untilAnswered() backoff.BackOff { return growing(10*time.Millisecond, time.Second, 1.5) }

// growing are pauses that grow, without an end. [sleep] adds the jitter.
func growing(first, longest time.Duration, factor float64) *backoff.ExponentialBackOff {
	return backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(first),
		backoff.WithMaxInterval(longest),
		backoff.WithMultiplier(factor),
		backoff.WithRandomizationFactor(0),
		backoff.WithMaxElapsedTime(0),
	)
}

// sleep waits for half of d to all of it, or until ctx ends.
func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d/2 + rand.N(d/2+1))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
