package poller_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/poller/condition"
)

// diary is a reporter that notes when something begins to fail and when it works again.
type diary struct {
	mu       sync.Mutex
	failing  map[string]bool
	failures map[string]int
	entries  []string
}

var _ condition.Reporter = (*diary)(nil)

func (d *diary) Failed(key string, _ error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.failing == nil {
		d.failing, d.failures = map[string]bool{}, map[string]int{}
	}
	d.failures[key]++
	if !d.failing[key] {
		d.failing[key] = true
		d.entries = append(d.entries, "-"+key)
	}
}

func (d *diary) OK(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failing, key)
	d.entries = append(d.entries, "+"+key)
}

func (d *diary) Forget(key string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.failing, key)
}

func (d *diary) read() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return append([]string{}, d.entries...)
}

func brief(d *diary) poller.Options {
	return poller.Options{MaxInterval: 10 * time.Second, Reporter: d}
}

func TestOneMeetingFails(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		w.source.onList(func(_ context.Context, id string) (poller.List, error) {
			if id == "bad" {
				return poller.List{}, trouble(poller.Unavailable)
			}
			return poller.List{Certain: true}, nil
		})
		w.watch("a", "b", "c", "bad")
		w.sleep(5 * time.Minute)
		assert.Equal(t, []string{"-meeting: bad"}, d.read())
		assert.Contains(t, w.poller.Health().Failing, "meeting: bad")
		w.source.onList(list())
		w.sleep(time.Minute)
		assert.Equal(t, []string{"-meeting: bad", "+meeting: bad"}, d.read())
		assert.Empty(t, w.poller.Health().Failing)
	})
}

func TestForgottenMeetingFailsNoMore(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		w.watch("good")
		w.source.onInfo(func(_ context.Context, id string) (poller.Info, error) {
			if id == "bad" {
				return poller.Info{}, trouble(poller.Denied)
			}
			return poller.Info{}, nil
		})
		w.watch("bad")
		w.sleep(time.Minute)
		assert.Contains(t, w.poller.Health().Failing, "meeting: bad")
		require.NoError(t, w.poller.Unwatch(w.ctx, "bad"))
		assert.Empty(t, w.poller.Health().Failing)
		w.watch("bad")
		w.sleep(time.Minute)
		assert.Equal(t, []string{"-meeting: bad", "-meeting: bad"}, d.read(), "its next failure is news again")
	})
}

func TestOutageIsOneReport(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		ids := names(100)
		w.watch(ids...)
		w.sleep(time.Minute)
		w.source.onList(failList(trouble(poller.Unavailable)))
		w.source.onInfo(failInfo(trouble(poller.Unavailable)))
		w.sleep(5 * time.Minute)
		assert.Contains(t, d.read(), "-dingtalk")
		assert.Contains(t, d.read(), "-dingtalk information")
		assert.LessOrEqual(t, len(d.read()), 6, "%v", d.read())
		w.source.onList(list())
		w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil })
		w.sleep(3 * time.Minute)
		assert.Empty(t, w.poller.Health().Failing)
		assert.LessOrEqual(t, len(d.read()), 12, "%v", d.read())
	})
}

func TestLimitIsReported(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onList(failList(trouble(poller.Exhausted)))
		w.sleep(time.Hour)
		assert.Equal(t, []string{"-dingtalk limit"}, d.read())
		w.source.onList(list())
		w.sleep(10 * time.Minute)
		assert.Equal(t, []string{"-dingtalk limit", "+dingtalk limit"}, d.read())
	})
}

// TestACallUnderWayDoesNotEndALimit: it was made before the others began to wait.
func TestACallUnderWayDoesNotEndALimit(t *testing.T) {
	d := &diary{}
	inWorld(t, poller.Options{MinInterval: time.Minute, MaxInterval: time.Hour, Reporter: d}, func(w *world) {
		w.source.onList(func(_ context.Context, id string) (poller.List, error) {
			if id == "spent" {
				return poller.List{}, trouble(poller.Exhausted)
			}
			time.Sleep(1500 * time.Millisecond) // synthetic
			return poller.List{Certain: true}, nil
		})
		w.watch("slow")
		w.sleep(time.Second)
		w.watch("spent")
		w.sleep(800 * time.Millisecond)
		assert.Equal(t, []string{"-dingtalk limit"}, d.read())
	})
}

// TestStoreThatFailsIsNotCalledWell has meetings with news, which cannot be stored, and others,
// where nothing has to be.
func TestStoreThatFailsIsNotCalledWell(t *testing.T) {
	d := &diary{}
	inWorld(t, brief(d), func(w *world) {
		away := errors.New("no connection")
		w.watch("news", "quiet")
		w.sleep(time.Minute)
		fails := func(string) error { return away }
		w.store.on(hooks{beforeCommit: fails, beforeLoad: fails, beat: func() error { return away }})
		w.source.onList(func(_ context.Context, id string) (poller.List, error) {
			if id == "quiet" {
				return poller.List{Certain: true}, nil
			}
			return list(present("ann", 60))(w.ctx, id)
		})
		w.sleep(5 * time.Minute)
		assert.Equal(t, []string{"-nats"}, d.read())
		w.store.on(hooks{})
		w.sleep(10 * time.Second)
		assert.Equal(t, []string{"-nats", "+nats"}, d.read())
	})
}
