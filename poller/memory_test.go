package poller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// forgetful keeps no state in memory that is not in use.
var forgetful = poller.Options{StateMemory: 1}

// TestWithoutMemory: whatever is not in memory is read again, so that nobody notices.
func TestWithoutMemory(t *testing.T) {
	inWorld(t, forgetful, func(w *world) {
		ids := names(10)
		w.source.onList(list(present("ann", 0), present("bob", 0)))
		w.watch(ids...)
		w.sleep(time.Minute)
		before := w.store.loadCount()
		w.source.onList(list(present("ann", 0)))
		w.sleep(5 * time.Minute)
		assert.Greater(t, w.store.loadCount(), before+10, "states are read again")
		for _, id := range ids {
			assert.Equal(t, []string{"1 joined ann", "2 joined bob", "3 vanished bob"}, w.store.events(id))
			status, state, err := w.poller.Meeting(w.ctx, id)
			require.NoError(t, err)
			assert.Equal(t, 1, status.Active)
			assert.Equal(t, 2, state.Size())
		}
		w.push(joinPush(ids[0], "cyd", 360))
		require.NoError(t, w.poller.Unwatch(w.ctx, ids[1]))
		assert.Equal(t, diff.Unwatched, w.store.state(ids[1]).Phase)
		assert.Len(t, w.poller.Meetings(), 9)
		assert.Equal(t, 2, w.poller.Meetings()[0].Active)
	})
}

// TestLooksThatFoundNothingAreRemembered: they are not stored, but say since when somebody may have
// been away.
func TestLooksThatFoundNothingAreRemembered(t *testing.T) {
	inWorld(t, poller.Options{StateMemory: 1, MaxInterval: 5 * time.Second}, func(w *world) {
		w.watch("m", "other")
		w.sleep(10 * time.Minute)
		w.source.onList(list(present("ann", 590)))
		w.sleep(10 * time.Second)
		all := w.store.list()
		joined := all[len(all)-1]
		require.Equal(t, events.Joined, joined.Type)
		assert.InDelta(t, joined.Member.ObservedBefore, joined.Member.ObservedAfter, 7000)
	})
}

// TestADescriptionIsNotLostFromMemory before it is stored.
func TestADescriptionIsNotLostFromMemory(t *testing.T) {
	inWorld(t, forgetful, func(w *world) {
		w.watch(names(5)...)
		w.sleep(time.Minute)
		w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{Title: "Weekly"}, nil })
		w.sleep(5 * time.Minute)
		for _, s := range w.poller.Meetings() {
			assert.Equal(t, "Weekly", s.Title)
			assert.Equal(t, "Weekly", w.store.state(s.ConferenceID).Title)
		}
	})
}

// TestAPushWithoutMemoryFails when the state cannot be read, and says so.
func TestAPushWithoutMemoryFails(t *testing.T) {
	inWorld(t, forgetful, func(w *world) {
		w.watch("m", "other")
		w.sleep(time.Minute)
		w.store.on(hooks{beforeLoad: func(string) error { return assert.AnError }})
		require.ErrorIs(t, w.poller.Notice(w.ctx, joinPush("m", "ann", 1)), assert.AnError)
		_, _, err := w.poller.Meeting(w.ctx, "m")
		require.ErrorIs(t, err, assert.AnError)
		assert.Len(t, w.poller.Meetings(), 2)
		w.store.on(hooks{})
		w.push(joinPush("m", "ann", 1))
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
	})
}
