package pause_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/base/pause"
)

func TestFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		assert.True(t, pause.For(t.Context(), time.Hour))
		assert.Equal(t, time.Hour, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		assert.False(t, pause.For(ctx, time.Hour))
		assert.Equal(t, time.Hour+time.Minute, time.Since(began))
	})
}

func TestForNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		assert.True(t, pause.For(t.Context(), -time.Hour))
		assert.True(t, pause.For(t.Context(), 0))
		assert.Equal(t, began, time.Now())
	})
}

func TestEvery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
		defer cancel()
		woken := make(chan struct{}, 1)
		began := time.Now()
		var at []time.Duration
		pause.Every(ctx, time.Second, woken, func() {
			if at = append(at, time.Since(began)); len(at) == 2 {
				woken <- struct{}{}
			}
		})
		assert.Equal(t, []time.Duration{time.Second, 2 * time.Second, 2 * time.Second, 3 * time.Second}, at)
		assert.Equal(t, 3500*time.Millisecond, time.Since(began))
	})
}
