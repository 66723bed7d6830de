package poller_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// TestAMeetingIsAnnouncedFirst: whatever else is found out before the description of the meeting.
func TestAMeetingIsAnnouncedFirst(t *testing.T) {
	t.Run("somebody joins", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.source.onInfo(failInfo(trouble(poller.Throttled)))
			w.watch("m")
			w.sleep(0)
			assert.Empty(t, w.store.list(), "the description is asked for")
			w.push(joinPush("m", "ann", 0))
			assert.Equal(t, events.MeetingStarted, w.store.list()[0].Type)
			assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
		})
	})
	t.Run("a gap", func(t *testing.T) {
		inWorld(t, poller.Options{}, func(w *world) {
			w.source.onList(failList(trouble(poller.Throttled)))
			w.source.onInfo(failInfo(trouble(poller.Throttled)))
			w.watch("m")
			w.sleep(time.Minute)
			assert.Equal(t, []string{"started", "gap throttled"}, w.store.life("m"))
		})
	})
	t.Run("not for nothing", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.source.onInfo(failInfo(trouble(poller.Throttled)))
			w.watch("m")
			w.sleep(0)
			w.push(leavePush("m", "bob", 10, 50)) // which a look is to decide
			assert.Empty(t, w.store.list())
		})
	})
}

// TestTheStoreWorksAgain: it is said as soon as anything shows it, also when no meeting has news to
// store.
func TestTheStoreWorksAgain(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		away := errors.New("NATS is away")
		w.store.on(hooks{beat: func() error { return away }})
		w.sleep(6 * time.Second)
		assert.Contains(t, w.poller.Health().Failing, "nats")
		w.store.on(hooks{})
		w.sleep(6 * time.Second)
		assert.NotContains(t, w.poller.Health().Failing, "nats")
	})
	inWorld(t, slow, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		away := errors.New("NATS is away")
		w.store.on(hooks{beforeCommit: func(string) error { return away }, beat: func() error { return away }})
		assert.Error(t, w.poller.Notice(w.ctx, joinPush("m", "ann", 0)))
		w.sleep(time.Second)
		assert.Contains(t, w.poller.Health().Failing, "nats", "soon, not with the next regular beat")
		w.store.on(hooks{})
		w.sleep(time.Second)
		assert.NotContains(t, w.poller.Health().Failing, "nats")
	})
}
