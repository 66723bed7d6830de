package poller_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

func TestWatch(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		created, err := w.poller.Watch(w.ctx, "m", "")
		require.NoError(t, err)
		assert.True(t, created)
		assert.Equal(t, diff.Watched, w.store.state("m").Phase, "it is stored when Watch returns")
		created, err = w.poller.Watch(w.ctx, "m", "")
		require.NoError(t, err)
		assert.False(t, created, "the second time")

		_, err = w.poller.Watch(w.ctx, "not an id", "")
		assert.ErrorIs(t, err, events.ErrConferenceID)
		_, _, err = w.poller.Meeting("other")
		assert.ErrorIs(t, err, poller.ErrNotWatched)
		assert.ErrorIs(t, w.poller.LookNow("other"), poller.ErrNotWatched)
		assert.ErrorIs(t, w.poller.Unwatch(w.ctx, "other"), poller.ErrNotWatched)
		assert.Equal(t, 1, w.poller.Counts().Meetings)
	})
}

func TestWatchWhileTheStoreFails(t *testing.T) {
	for name, broken := range map[string]hooks{
		"reading": {beforeLoad: func(string) error { return assert.AnError }},
		"writing": {beforeCommit: func(string) error { return assert.AnError }},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.store.on(broken)
				_, err := w.poller.Watch(w.ctx, "m", "")
				require.ErrorIs(t, err, assert.AnError)
				assert.False(t, w.watched("m"))
				assert.Empty(t, w.poller.Meetings())
				w.store.on(hooks{})
				created, err := w.poller.Watch(w.ctx, "m", "")
				require.NoError(t, err)
				assert.True(t, created)
			})
		})
	}
}

func TestWatchWhoseAnswerIsLost(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.store.on(hooks{afterCommit: func(string) error { w.store.on(hooks{}); return assert.AnError }})
		created, err := w.poller.Watch(w.ctx, "m", "")
		require.NoError(t, err, "what is stored counts")
		assert.True(t, created)
		w.sleep(time.Second)
		assert.NotEmpty(t, w.source.listCalls("m"))
	})
}

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

		created, err := w.poller.Discover(w.ctx, "m", "")
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

// TestWatchDuringUnwatch asks for a meeting again that is just being given up: it has to be watched afterwards, in the
// table and in the store.
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
			prepare(w)
			began := w.elapsed()
			require.NoError(t, w.poller.Unwatch(w.ctx, "m"))
			assert.LessOrEqual(t, w.elapsed()-began, 10*time.Second, "the look under way and the last one")
			assert.Len(t, w.source.listCalls("m"), 2)
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

func TestDiscover(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		for _, phase := range []diff.Phase{diff.Ended, diff.Watched} {
			w.store.put(diff.New(phase.String()).WithPhase(phase))
			created, err := w.poller.Discover(w.ctx, phase.String(), "found")
			require.NoError(t, err)
			assert.True(t, created, phase)
			assert.Equal(t, "found", w.store.state(phase.String()).Title)
		}
		// Somebody gives it up between the reading and the writing.
		w.store.on(hooks{beforeCommit: func(id string) error {
			w.store.on(hooks{})
			w.store.put(diff.New(id).WithPhase(diff.Unwatched))
			return nil
		}})
		created, err := w.poller.Discover(w.ctx, "raced", "")
		require.NoError(t, err)
		assert.False(t, created)
		assert.False(t, w.watched("raced"))
		assert.Equal(t, diff.Unwatched, w.store.state("raced").Phase)
	})
}

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

func TestStatus(t *testing.T) {
	inWorld(t, poller.Options{MaxInterval: 10 * time.Second}, func(w *world) {
		w.source.onList(list(present("ann", 0), gone("bob", 0, 5)))
		w.watch("b", "a")
		w.sleep(time.Minute)
		all := w.poller.Meetings()
		require.Len(t, all, 2)
		assert.Equal(t, "a", all[0].ConferenceID, "ordered")
		s, state, err := w.poller.Meeting("b")
		require.NoError(t, err)
		assert.Equal(t, all[1], s)
		assert.Equal(t, 1, s.Active)
		assert.EqualValues(t, 3, s.Sequence)
		assert.Equal(t, 2, state.Size())
		assert.Equal(t, 10*time.Second, s.Interval)
		calls := w.source.listCalls("b")
		assert.Equal(t, w.source.start.Add(calls[len(calls)-1]).UnixMilli(), s.LastLook.UnixMilli())
		assert.WithinRange(t, s.NextLook, time.Now(), time.Now().Add(10*time.Second))
		assert.Zero(t, s.Failures)
		assert.Empty(t, s.LastError)

		w.source.onList(failList(trouble(poller.Unavailable)))
		w.sleep(time.Minute)
		s, _, err = w.poller.Meeting("b")
		require.NoError(t, err)
		assert.NotZero(t, s.Failures)
		assert.Contains(t, s.LastError, "unavailable")
	})
}
