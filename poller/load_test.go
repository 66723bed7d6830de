package poller_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

type result struct {
	record diff.Record
	err    error
}

func yields(results ...result) func(context.Context, ...int) iter.Seq2[diff.Record, error] {
	return func(context.Context, ...int) iter.Seq2[diff.Record, error] {
		return func(yield func(diff.Record, error) bool) {
			for _, r := range results {
				if !yield(r.record, r.err) {
					return
				}
			}
		}
	}
}

func stored(id string, phase diff.Phase) result {
	return result{record: diff.Record{State: diff.New(id).WithPhase(phase), Revision: 1}}
}

func newer(r result) result {
	r.record.Revision++
	return r
}

func TestGoesOnAfterARestart(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("a", "b", "over")
		w.sleep(time.Minute)
		require.NoError(t, w.poller.Unwatch(w.ctx, "over"))
		w.stop()
		w.source.onList(list(gone("ann", 0, 70)))
		w.sleep(time.Minute)
		before := w.source.calls()
		w.run(poller.Options{})
		<-w.poller.Ready()
		w.sleep(0)
		assert.Equal(t, []string{"a", "b"}, watchedIDs(w.poller))
		assert.Equal(t, []string{"1 joined ann", "2 left ann"}, w.store.events("a"), "looked at once")
		assert.Equal(t, before+4, w.source.calls(), "and asked whether they have ended, as nobody is there")
	})
}

// TestAfterARestartInAnyOrder gives every meeting the chance to be looked at where owners do not
// live for long.
func TestAfterARestartInAnyOrder(t *testing.T) {
	const meetings = 200
	first := map[string]bool{}
	for range 5 {
		inWorld(t, poller.Options{Workers: 2}, func(w *world) {
			w.sleep(100 * time.Millisecond)
			for id := range w.source.reads() {
				first[id] = true
			}
		}, crowded(meetings, meetings))
	}
	assert.Greater(t, len(first), 40, "always the same are first")
}

// TestRestartSpreadsCalls keeps a restart from asking for all information at once, and again
// whenever it is due.
func TestRestartSpreadsCalls(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.sleep(500 * time.Millisecond)
		assert.Len(t, w.source.reads(), 500, "the lists come first")
		for range 26 {
			before := w.source.infoCount()
			w.sleep(time.Second)
			assert.Less(t, w.source.infoCount()-before, 60)
		}
		assert.GreaterOrEqual(t, w.source.infoCount(), 500)
	}, func(w *world) {
		for _, id := range names(500) {
			w.store.put(diff.New(id))
		}
	})
}

func TestLoad(t *testing.T) {
	corrupt := result{err: fmt.Errorf("meeting x: %w", diff.ErrCorruptState)}
	tests := map[string]struct {
		results []result
		want    []string
	}{
		"only what is watched":                   {[]result{stored("a", diff.Watched), stored("b", diff.Ended), stored("c", diff.Unwatched)}, []string{"a"}},
		"a corrupt state costs only its meeting": {[]result{stored("a", diff.Watched), corrupt, stored("b", diff.Watched)}, []string{"a", "b"}},
		"given up meanwhile":                     {[]result{stored("a", diff.Watched), stored("b", diff.Watched), newer(stored("a", diff.Unwatched))}, []string{"b"}},
		"nothing":                                {nil, []string{}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				synctest.Wait() // for the look at what was given up after that had begun
				assert.Equal(t, test.want, watchedIDs(w.poller))
				assert.True(t, w.poller.Health().Ready)
			}, func(w *world) { w.store.all = yields(test.results...) })
		})
	}
}

func TestLoadIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, source: newSource(), store: newStore()}
		tries := 0
		w.store.all = func(ctx context.Context, _ ...int) iter.Seq2[diff.Record, error] {
			if tries++; tries < 10 {
				return yields(stored("a", diff.Watched), result{err: errors.New("no connection")})(ctx)
			}
			return yields(stored("a", diff.Watched), stored("b", diff.Watched))(ctx)
		}
		w.run(poller.Options{})
		w.sleep(time.Second / 2)
		assert.Empty(t, w.poller.Meetings(), "half of the states are none")
		assert.False(t, w.poller.Health().Ready)
		_, err := w.poller.Watch(w.ctx, "m", "")
		assert.ErrorIs(t, err, poller.ErrNotReady)
		assert.ErrorIs(t, w.poller.Unwatch(w.ctx, "m"), poller.ErrNotReady)
		assert.ErrorIs(t, w.poller.LookNow("m"), poller.ErrNotReady)
		_, _, err = w.poller.Meeting(w.ctx, "m")
		assert.ErrorIs(t, err, poller.ErrNotReady)

		<-w.poller.Ready()
		assert.Less(t, w.elapsed(), 40*time.Second)
		assert.Equal(t, 10, tries)
		assert.Equal(t, []string{"a", "b"}, watchedIDs(w.poller))
		w.sleep(time.Millisecond) // for the first beat: that the states could be read says nothing of writing
		assert.Empty(t, w.poller.Health().Failing)
		w.stop()
	})
}

func TestRunEnds(t *testing.T) {
	t.Run("with a state of a newer version", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := newStore()
			store.all = yields(result{err: fmt.Errorf("meeting x: %w", diff.ErrNewerVersion)})
			p, err := poller.New(newSource(), store, poller.Options{})
			require.NoError(t, err)
			assert.ErrorIs(t, p.Run(t.Context()), diff.ErrNewerVersion)
			assert.ErrorIs(t, p.Run(t.Context()), poller.ErrRunning)
		})
	})
	t.Run("while the states cannot be read", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			store := newStore()
			store.all = yields(result{err: errors.New("no connection")})
			p, err := poller.New(newSource(), store, poller.Options{})
			require.NoError(t, err)
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			assert.ErrorIs(t, p.Run(ctx), context.DeadlineExceeded)
		})
	})
}

// TestCancelledAnywhere ends the context at every call in turn; Run has to return, and a new one to
// go on.
func TestCancelledAnywhere(t *testing.T) {
	for n := range 24 {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			steps := 0
			step := func() bool {
				if steps++; steps == n+1 {
					cancel()
				}
				return ctx.Err() != nil
			}
			w := &world{T: t, source: newSource(), store: newStore()}
			w.store.put(diff.New("m"))
			w.source.onList(func(ctx context.Context, _ string) (poller.List, error) {
				if step() {
					return poller.List{}, trouble(poller.Unavailable)
				}
				return changing()(ctx, "m")
			})
			w.source.onInfo(func(context.Context, string) (poller.Info, error) {
				if step() {
					return poller.Info{}, ctx.Err()
				}
				return poller.Info{Ended: w.elapsed() > 20*time.Second}, nil
			})
			w.store.on(hooks{
				beforeCommit: func(string) error { step(); return ctx.Err() },
				afterCommit:  func(string) error { step(); return ctx.Err() },
			})
			p, err := poller.New(w.source, w.store, poller.Options{Workers: 1})
			require.NoError(t, err)
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			w.sleep(time.Minute)
			cancel()
			require.NoError(t, <-ended)

			w.source.onList(list(gone("ann", 10, 15)))
			w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{Ended: true}, nil })
			w.store.on(hooks{})
			w.run(poller.Options{})
			<-w.poller.Ready()
			w.until(time.Minute, "end", func() bool { return !w.watched("m") })
			assert.Equal(t, []string{"1 joined ann", "2 left ann"}, w.store.events("m"), "cancelled at %d", n)
			w.stop()
		})
	}
}
