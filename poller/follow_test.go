package poller_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// TestFollowingIsInterrupted: what happened meanwhile is heard of afterwards.
func TestFollowingIsInterrupted(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.watch("stays", "goes")
		w.sleep(time.Minute)
		w.store.on(hooks{follow: func(string) error { return errors.New("the consumer is lost") }})
		w.store.put(diff.New("wakes"))
		w.sleep(time.Second)
		w.store.put(diff.New("comes"))
		w.store.put(diff.New("goes").WithPhase(diff.Ended))
		w.sleep(10 * time.Second)
		w.store.on(hooks{})
		w.sleep(20 * time.Second)
		assert.Equal(t, []string{"comes", "stays", "wakes"}, watchedIDs(w.poller))
		assert.Len(t, w.source.listCalls("comes"), 1)
		assert.NotContains(t, w.poller.Health().Failing, "nats")
		assert.Greater(t, w.store.from[len(w.store.from)-1], w.store.from[0], "from where it was interrupted")
	})
}

// TestWhatIsHeardOfIsRead again and again until that succeeds, and once.
func TestWhatIsHeardOfIsRead(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.sleep(time.Minute)
		w.store.on(hooks{beforeLoad: func(string) error { return errors.New("no connection") }})
		w.store.put(diff.New("m"))
		w.sleep(10 * time.Second)
		assert.Empty(t, w.poller.Meetings())
		w.store.on(hooks{})
		w.sleep(10 * time.Second)
		assert.Equal(t, []string{"m"}, watchedIDs(w.poller))
		before := w.store.loadCount()
		w.sleep(10 * time.Minute)
		assert.Equal(t, before, w.store.loadCount())
	})
}

// TestOurOwnCommitsAreNotReadAgain when we hear of them.
func TestOurOwnCommitsAreNotReadAgain(t *testing.T) {
	inWorld(t, poller.Options{MaxInterval: time.Second}, func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		before := w.store.loadCount()
		w.source.onList(changing())
		w.sleep(time.Minute)
		assert.Greater(t, len(w.store.events("m")), 50)
		assert.Equal(t, before, w.store.loadCount())
	})
}

// TestAGapSurvivesItsReplica: the shards whose gaps were not announced yet do not count as looked
// after.
func TestAGapSurvivesItsReplica(t *testing.T) {
	inReplicas(t, 2, poller.Options{}, func(r *replicas) {
		r.each[0].watch("m")
		r.sleep(time.Hour)
		r.shares[0].take(everyShard()...)
		r.sleep(10 * time.Minute)
		fails := true
		r.store.on(hooks{beforeCommit: func(string) error {
			if fails {
				return errors.New("no connection")
			}
			return nil
		}})
		r.source.onList(failList(trouble(poller.Unavailable)))
		r.source.onInfo(failInfo(trouble(poller.Unavailable)))
		r.shares[0].give(everyShard()...)
		r.sleep(20 * time.Second) // it finds the gap, cannot store it, and dies
		r.each[0].stop()
		fails = false
		r.source.onList(list())
		r.shares[1].give(everyShard()...)
		r.sleep(time.Minute)
		life := r.store.life("m")
		require.Len(r, life, 3)
		assert.Regexp(r, `^gap \w+ of 10m`, life[2])
	})
}
