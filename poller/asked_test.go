package poller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
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

// TestAListBeginsWhenItIsAskedFor: while a look waits for its turn to call, a push may tell of
// somebody.
func TestAListBeginsWhenItIsAskedFor(t *testing.T) {
	for name, asked := range map[string]bool{"after the wait": true, "nobody knows when": false} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{MinInterval: time.Minute, MaxInterval: time.Hour}, func(w *world) {
				w.source.onList(func(ctx context.Context, _ string) (poller.List, error) {
					time.Sleep(4 * time.Second) // synthetic
					if asked {
						poller.Reading(ctx)
					}
					return poller.List{Rows: []diff.Row{gone("ann", 0, 3)}, Certain: true}, nil
				})
				w.watch("m")
				w.sleep(2 * time.Second)
				w.push(joinPush("m", "ann", 0))
				w.sleep(3 * time.Second)
				want := []string{"1 joined ann"}
				if asked {
					want = append(want, "2 left ann")
				}
				assert.Equal(t, want, w.store.events("m"))
			})
		})
	}
}
