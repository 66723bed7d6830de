package poller_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/poller"
)

// unreached is an error as a store has them that cannot be reached.
type unreached string

func (u unreached) Error() string   { return string(u) }
func (unreached) Unreachable() bool { return true }

// TestOnlyWhatIsStoredShowsThatTheStoreWorks: what can be read proves nothing.
func TestOnlyWhatIsStoredShowsThatTheStoreWorks(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		var beats atomic.Int64
		full := errors.New("maximum bytes exceeded")
		w.store.on(hooks{
			beforeCommit: func(string) error { return full },
			beat:         func() error { beats.Add(1); return full },
		})
		w.source.onList(list(present("ann", 60)))
		w.sleep(10 * time.Second)
		assert.Contains(t, w.poller.Health().Failing, "nats")
		beats.Store(0)
		w.sleep(time.Minute)
		assert.Equal(t, []string{"-nats"}, d.read(), "though the states could be read all the time")
		assert.InDelta(t, 60, beats.Load(), 1, "every second")
		w.store.on(hooks{})
		w.sleep(time.Second)
		assert.Equal(t, []string{"-nats", "+nats"}, d.read())
	})
}

// TestAnAttemptThatFails counts at once, and not only what was given up.
func TestAnAttemptThatFails(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		w.store.on(hooks{beat: func() error { return unreached("no answer") }})
		w.poller.StoreAttempted(unreached("not connected"))
		assert.Equal(t, "not connected", w.poller.Health().Failing["nats"])
		w.sleep(time.Minute)
		assert.Equal(t, "no answer", w.poller.Health().Failing["nats"])
		w.poller.StoreAttempted(unreached("not connected"))
		assert.Equal(t, 1, d.failures["nats"], "one outage, in whatever words, is reported once")
		w.store.on(hooks{beat: func() error { return errors.New("full") }})
		w.sleep(time.Second)
		assert.Equal(t, 2, d.failures["nats"], "another one")
		w.poller.StoreAttempted(nil)
		assert.Empty(t, w.poller.Health().Failing)
		assert.Equal(t, []string{"-nats", "+nats"}, d.read())
	})
}

// TestWhatCannotBeReadIsNotCalledUnstorable: while everything can be stored it is a matter of its
// own.
func TestWhatCannotBeReadIsNotCalledUnstorable(t *testing.T) {
	d := &diary{}
	inWorld(t, poller.Options{Reporter: d}, func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		away := func() error { return errors.New("maximum consumers limit reached") }
		w.store.on(hooks{follow: func(string) error { return away() }})
		w.push(joinPush("m", "ann", 0))
		w.sleep(time.Minute)
		assert.Equal(t, []string{"-nats following"}, d.read())
		w.store.on(hooks{})
		w.sleep(2 * time.Minute)
		assert.Equal(t, []string{"-nats following", "+nats following"}, d.read())
	})
	d = &diary{}
	inWorld(t, poller.Options{Reporter: d}, func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		away := func() error { return unreached("not connected") }
		w.store.on(hooks{follow: func(string) error { return away() }, beat: away})
		w.push(joinPush("m", "ann", 0))
		w.sleep(time.Minute)
		w.store.on(hooks{})
		w.sleep(2 * time.Minute)
		assert.Equal(t, []string{"-nats", "+nats"}, d.read(), "else it says no more than that")
	})
}
