package poller_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// besideOther is a share beside another replica, which has the lease of all other shards.
type besideOther struct{ *share }

// Owner implements [poller.Leases].
func (b besideOther) Owner(shard int) string {
	if b.Owns(shard) {
		return "me"
	}
	return "other"
}

// beside runs a test in which the other replica takes the shard of meeting m.
func beside(t *testing.T, d *diary, test func(w *world, s *share)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := newShare()
		s.give(everyShard()...)
		w := &world{T: t, source: newSource(), store: newStore()}
		w.run(poller.Options{Shards: besideOther{s}, Reporter: d})
		<-w.poller.Ready()
		defer w.stop()
		w.source.onList(list(present("ann", 0)))
		w.watch("m", "mine")
		w.sleep(10 * time.Minute)
		s.take(events.Shard("m"))
		test(w, s)
	})
}

// Who has a lease and does not look is told of within half a minute, by whoever looks after the rest.
func TestALeaseWithoutLooksIsTold(t *testing.T) {
	d := &diary{}
	beside(t, d, func(w *world, s *share) {
		took := w.until(30*time.Second, "the gap", func() bool { return len(w.store.life("m")) > 1 })
		assert.Greater(t, took, 15*time.Second, "a hand-over may take a while")
		assert.Equal(t, []string{"started", "gap down"}, w.store.life("m"))
		assert.Contains(t, w.poller.Health().Failing["other replicas"], "1 of 64 shards")
		w.sleep(10 * time.Minute)
		assert.Equal(t, []string{"started", "gap down"}, w.store.life("m"), "once")
		assert.Equal(t, []string{"started"}, w.store.life("mine"))

		s.give(events.Shard("m"))
		w.sleep(time.Minute)
		life := w.store.life("m")
		assert.Len(t, life, 3)
		assert.Regexp(t, "^gap down of 10m", life[2])
		assert.Equal(t, []string{"-other replicas", "+other replicas"}, d.read())
	})
}

func TestOthersWhoLookAreLeftAlone(t *testing.T) {
	for name, hook := range map[string]func(w *world) hooks{
		"it beats": func(w *world) hooks {
			return hooks{beat: func() error { return w.store.beats(events.Shard("m")) }}
		},
		"nothing can be stored": func(*world) hooks {
			return hooks{beat: func() error { return errors.New("full") }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			d := &diary{}
			beside(t, d, func(w *world, _ *share) {
				w.store.on(hook(w))
				w.sleep(10 * time.Minute)
				assert.Equal(t, []string{"started"}, w.store.life("m"))
				assert.NotContains(t, d.read(), "-other replicas")
				w.store.on(hooks{})
				w.sleep(15 * time.Second)
				assert.Equal(t, []string{"started"}, w.store.life("m"), "the others have as long as ever")
			})
		})
	}
}
