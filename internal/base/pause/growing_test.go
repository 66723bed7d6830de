package pause_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/pause"
)

func TestPausesGrowAndNeverEnd(t *testing.T) {
	exactly := backoff.WithRandomizationFactor(0)
	for want, pauses := range map[time.Duration]*backoff.ExponentialBackOff{
		1500 * time.Millisecond: pause.Growing(time.Second, time.Minute, exactly),
		2 * time.Second:         pause.Doubling(time.Second, time.Minute, exactly),
	} {
		assert.Equal(t, time.Second, pauses.NextBackOff())
		assert.Equal(t, want, pauses.NextBackOff())
		for range 100 {
			pauses.NextBackOff()
		}
		assert.Equal(t, time.Minute, pauses.NextBackOff())
	}
}

func TestPauseAfterFailures(t *testing.T) {
	for failures, want := range []time.Duration{1, 2, 4, 8, 10, 10} {
		assert.Equal(t, want*time.Second, pause.After(failures, time.Second, 10*time.Second), failures)
	}
	assert.Equal(t, time.Minute, pause.After(1_000_000, time.Second, time.Minute))
}

func TestUntil(t *testing.T) {
	failure := errors.New("not yet")
	for name, test := range map[string]struct {
		attempt func(n int) error
		want    error
		least   int // attempts
		most    int
	}{
		"it succeeds":       {func(n int) error { return map[bool]error{true: failure}[n < 5] }, nil, 5, 5},
		"it fails for good": {func(int) error { return backoff.Permanent(failure) }, failure, 1, 1},
		"the context ends":  {func(int) error { return failure }, context.DeadlineExceeded, 8, 60},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				defer cancel()
				made := 0
				got, err := pause.Until(ctx, time.Second, 5*time.Second, func() (int, error) {
					made++
					return made, test.attempt(made)
				})
				require.ErrorIs(t, err, test.want)
				assert.Equal(t, made, got)
				assert.GreaterOrEqual(t, made, test.least)
				assert.LessOrEqual(t, made, test.most)
			})
		})
	}
}
