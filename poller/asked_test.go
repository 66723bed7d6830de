package poller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

func TestLookNow(t *testing.T) {
	rare := poller.Options{MinInterval: time.Minute, MaxInterval: time.Hour}
	count := func(w *world) int { return len(w.source.listCalls("m")) }
	t.Run("looks at once", func(t *testing.T) {
		inWorld(t, rare, func(w *world) {
			w.watch("m")
			w.sleep(10 * time.Second)
			before := count(w)
			require.NoError(t, w.poller.LookNow("m"))
			w.sleep(0)
			assert.Equal(t, before+1, count(w))
		})
	})
	t.Run("within five seconds, however often", func(t *testing.T) {
		inWorld(t, rare, func(w *world) {
			w.watch("m")
			w.sleep(10 * time.Second)
			before := count(w)
			for range 1000 {
				require.NoError(t, w.poller.LookNow("m"))
				w.sleep(10 * time.Millisecond)
			}
			assert.GreaterOrEqual(t, count(w)-before, 3)
			assert.LessOrEqual(t, count(w)-before, 5, "a storm of pushes costs no storm of calls")
		})
	})
	t.Run("looks once more after the look under way", func(t *testing.T) {
		inWorld(t, rare, func(w *world) {
			w.source.onList(func(context.Context, string) (poller.List, error) {
				time.Sleep(4 * time.Second) // synthetic
				return poller.List{Certain: true}, nil
			})
			w.watch("m")
			w.sleep(time.Second)
			require.NoError(t, w.poller.LookNow("m"))
			w.sleep(4 * time.Second)
			assert.Equal(t, 2, count(w))
		})
	})
	t.Run("also after a failure", func(t *testing.T) {
		inWorld(t, rare, func(w *world) {
			w.source.onList(failList(trouble(poller.Denied)))
			w.watch("m")
			w.sleep(10 * time.Minute)
			before := count(w)
			require.NoError(t, w.poller.LookNow("m"))
			w.sleep(3 * time.Second)
			assert.Equal(t, before+1, count(w))
		})
	})
}
