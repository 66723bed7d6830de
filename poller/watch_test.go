package poller_test

import (
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
		_, _, err = w.poller.Meeting(w.ctx, "other")
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

func TestDiscover(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		for _, phase := range []diff.Phase{diff.Ended, diff.Watched} {
			w.store.put(diff.New(phase.String()).WithPhase(phase))
			created, err := w.poller.Discover(w.ctx, phase.String(), diff.Description{Title: "found"}, time.Now())
			require.NoError(t, err)
			assert.Equal(t, phase == diff.Ended, created, "another replica watches it")
			assert.Equal(t, "found", w.store.state(phase.String()).Title)
		}
		// Somebody gives it up between the reading and the writing.
		w.store.on(hooks{beforeCommit: func(id string) error {
			if id != "raced" {
				return nil // the meeting found above is being looked at
			}
			w.store.on(hooks{})
			w.store.put(diff.New(id).WithPhase(diff.Unwatched))
			return nil
		}})
		created, err := w.poller.Discover(w.ctx, "raced", diff.Description{}, time.Now())
		require.NoError(t, err)
		assert.False(t, created)
		assert.False(t, w.watched("raced"))
		assert.Equal(t, diff.Unwatched, w.store.state("raced").Phase)
	})
}

func TestStatus(t *testing.T) {
	inWorld(t, poller.Options{MaxInterval: 10 * time.Second}, func(w *world) {
		w.source.onList(list(present("ann", 0), gone("bob", 0, 5)))
		w.watch("b", "a")
		w.sleep(3 * time.Minute)
		all := w.poller.Meetings()
		require.Len(t, all, 2)
		assert.Equal(t, "a", all[0].ConferenceID, "ordered")
		s, state, err := w.poller.Meeting(w.ctx, "b")
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
		s, _, err = w.poller.Meeting(w.ctx, "b")
		require.NoError(t, err)
		assert.NotZero(t, s.Failures)
		assert.Contains(t, s.LastError, "unavailable")
	})
}
