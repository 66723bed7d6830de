package poller_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

func TestUnwatch(t *testing.T) {
	inWorld(t, poller.Options{MinInterval: time.Minute}, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		w.source.onList(list(present("ann", 0)))
		require.NoError(t, w.poller.Unwatch(w.ctx, "m"))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"), "the last look's news, and nobody is closed out")
		assert.Equal(t, diff.Unwatched, w.store.state("m").Phase)
		assert.False(t, w.watched("m"))
		before := w.source.calls()
		w.sleep(time.Hour)
		assert.Equal(t, before, w.source.calls())

		created, err := w.poller.Discover(w.ctx, "m", diff.Description{}, time.Now())
		require.NoError(t, err)
		assert.False(t, created, "what somebody gave up is not taken up by itself")
		assert.False(t, w.watched("m"))
		w.watch("m")
		w.sleep(time.Second)
		assert.True(t, w.watched("m"))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
	})
}

func TestUnwatchWhenTheLastLookFails(t *testing.T) {
	hangs := func(ctx context.Context, _ string) (poller.List, error) {
		<-ctx.Done()
		return poller.List{}, ctx.Err()
	}
	for name, last := range map[string]listFunc{
		"not found": failList(trouble(poller.NotFound)), "unavailable": failList(trouble(poller.Unavailable)), "hangs": hangs,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{MinInterval: time.Minute}, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(time.Second)
				w.source.onList(last)
				began := w.elapsed()
				require.NoError(t, w.poller.Unwatch(w.ctx, "m"))
				assert.LessOrEqual(t, w.elapsed()-began, 10*time.Second)
				assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
				assert.False(t, w.watched("m"))
			})
		})
	}
}

func TestUnwatchThatCannotBeStored(t *testing.T) {
	lost := func(w *world) error { w.store.on(hooks{}); return errors.New("no answer") }
	t.Run("not stored", func(t *testing.T) {
		inWorld(t, poller.Options{}, func(w *world) {
			w.watch("m")
			w.sleep(time.Second)
			w.store.on(hooks{beforeCommit: func(string) error { return lost(w) }})
			require.ErrorContains(t, w.poller.Unwatch(w.ctx, "m"), "no answer")
			assert.True(t, w.watched("m"))
			w.source.onList(list(present("ann", 1)))
			w.sleep(10 * time.Second)
			assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"), "it goes on being watched")
		})
	})
	t.Run("stored after all", func(t *testing.T) {
		inWorld(t, poller.Options{}, func(w *world) {
			w.watch("m")
			w.sleep(time.Second)
			w.store.on(hooks{afterCommit: func(string) error { return lost(w) }})
			require.ErrorContains(t, w.poller.Unwatch(w.ctx, "m"), "no answer")
			w.sleep(5 * time.Second)
			assert.False(t, w.watched("m"), "what is stored counts")
		})
	})
}

// TestWatchDuringUnwatch asks for a meeting again that is just being given up: it has to be watched
// afterwards, in the table and in the store.
func TestWatchDuringUnwatch(t *testing.T) {
	inWorld(t, poller.Options{MinInterval: time.Minute}, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		w.source.onList(func(context.Context, string) (poller.List, error) {
			time.Sleep(5 * time.Second) // synthetic
			return poller.List{Certain: true}, nil
		})
		given := make(chan error, 1)
		go func() { given <- w.poller.Unwatch(w.ctx, "m") }()
		w.sleep(time.Second)
		created, err := w.poller.Watch(w.ctx, "m", "")
		require.NoError(t, err)
		assert.True(t, created)
		require.NoError(t, <-given)
		assert.True(t, w.watched("m"))
		assert.Equal(t, diff.Watched, w.store.state("m").Phase)
	})
}

// TestUnwatchDuringALook waits for the look, however often looks are asked for.
func TestUnwatchDuringALook(t *testing.T) {
	slow := func(context.Context, string) (poller.List, error) {
		time.Sleep(5 * time.Second) // synthetic
		return poller.List{Certain: true}, nil
	}
	prepare := func(w *world) {
		w.source.onList(slow)
		w.watch("m")
		w.sleep(time.Second)
		require.NoError(w, w.poller.LookNow("m"))
	}
	t.Run("waits", func(t *testing.T) {
		inWorld(t, poller.Options{MinInterval: time.Millisecond}, func(w *world) {
			for range 50 {
				prepare(w)
				began, reads := w.elapsed(), len(w.source.listCalls("m"))
				require.NoError(t, w.poller.Unwatch(w.ctx, "m"))
				require.LessOrEqual(t, w.elapsed()-began, 10*time.Second, "the look under way and the last one")
				require.Len(t, w.source.listCalls("m"), reads+1)
			}
		})
	})
	t.Run("gives up waiting", func(t *testing.T) {
		inWorld(t, poller.Options{MaxInterval: 2 * time.Second}, func(w *world) {
			prepare(w)
			ctx, cancel := context.WithTimeout(w.ctx, time.Second)
			defer cancel()
			require.ErrorIs(t, w.poller.Unwatch(ctx, "m"), context.DeadlineExceeded)
			before := len(w.source.listCalls("m"))
			w.sleep(time.Minute)
			assert.Greater(t, len(w.source.listCalls("m")), before+5, "it goes on being watched")
		})
	})
	t.Run("two at once", func(t *testing.T) {
		inWorld(t, poller.Options{}, func(w *world) {
			prepare(w)
			results := make(chan error, 2)
			for range 2 {
				go func() { results <- w.poller.Unwatch(w.ctx, "m") }()
			}
			assert.ElementsMatch(t, []error{nil, poller.ErrNotWatched}, []error{<-results, <-results})
		})
	})
	t.Run("that ends the meeting", func(t *testing.T) {
		inWorld(t, poller.Options{}, func(w *world) {
			w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{Ended: true}, nil })
			prepare(w)
			require.ErrorIs(t, w.poller.Unwatch(w.ctx, "m"), poller.ErrNotWatched)
			assert.Equal(t, diff.Ended, w.store.state("m").Phase)
		})
	})
}

// TestUnwatchByWhoHungUp has nobody wait for the answer any more: that says nothing of the store.
func TestUnwatchByWhoHungUp(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		ctx, hangUp := context.WithCancel(w.ctx)
		w.store.on(hooks{beforeCommit: func(string) error { hangUp(); return ctx.Err() }})
		require.Error(t, w.poller.Unwatch(ctx, "m"))
		assert.NotContains(t, w.poller.Health().Failing, "nats")
		w.store.on(hooks{})
		w.sleep(time.Minute)
		assert.True(t, w.watched("m"))
	})
}
