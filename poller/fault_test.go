package poller_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

var allTroubles = []poller.Trouble{poller.Unavailable, poller.NotFound, poller.Throttled, poller.Exhausted, poller.Denied}

// TestListIsReadWhateverBecomesOfInformation gives the information call every trouble there is but
// those that hold everything back.
func TestListIsReadWhateverBecomesOfInformation(t *testing.T) {
	for _, kind := range []poller.Trouble{poller.Unavailable, poller.NotFound, poller.Denied} {
		t.Run(kind.String(), func(t *testing.T) {
			inWorld(t, poller.Options{MaxInterval: 5 * time.Second}, func(w *world) {
				w.source.onInfo(failInfo(trouble(kind)))
				w.watch("m")
				w.sleep(5 * time.Minute)
				for _, gap := range gaps(w.source.listCalls("m")) {
					assert.LessOrEqual(t, gap, 5*time.Second)
				}
				assert.Less(t, len(w.source.infoCalls("m")), 15, "a call that fails is not made more often")
				status, _, err := w.poller.Meeting(w.ctx, "m")
				require.NoError(t, err)
				assert.Contains(t, status.LastError, kind.String())
				assert.Zero(t, status.Failures)
			})
		})
	}
}

// hangs is an information call that times out.
func hangs(ctx context.Context, _ string) (poller.Info, error) {
	select {
	case <-time.After(30 * time.Second):
	case <-ctx.Done():
	}
	return poller.Info{}, trouble(poller.Unavailable)
}

// TestInformationThatHangs must not keep the lists from being read: neither the meeting's own nor
// those of the others.
func TestInformationThatHangs(t *testing.T) {
	t.Parallel()
	inWorld(t, poller.Options{MaxInterval: time.Second}, func(w *world) {
		w.source.onInfo(hangs)
		w.watch("m")
		w.sleep(10 * time.Minute)
		assert.GreaterOrEqual(t, len(w.source.listCalls("m")), 400, "600 where nothing hangs")
	})
	inWorld(t, poller.Options{MaxInterval: 5 * time.Second, Workers: 4}, func(w *world) {
		w.source.onInfo(hangs)
		ids := names(50)
		w.watch(ids...)
		w.sleep(10 * time.Minute)
		for _, id := range ids {
			reads := len(w.source.listCalls(id))
			assert.GreaterOrEqual(t, reads, 90, "%s", id) // 120 in five minutes where nothing hangs
		}
	})
}

// TestNoRushForInformation has a meeting with nothing left to ask but what others keep everybody
// from asking.
func TestNoRushForInformation(t *testing.T) {
	inWorld(t, poller.Options{Workers: 2}, func(w *world) {
		w.source.onList(func(_ context.Context, id string) (poller.List, error) {
			if id == "denied" {
				return poller.List{}, trouble(poller.Denied)
			}
			return poller.List{Certain: true}, nil
		})
		w.watch("denied")
		w.sleep(5 * time.Minute)
		w.source.onInfo(func(ctx context.Context, id string) (poller.Info, error) {
			if id == "denied" {
				return poller.Info{}, nil
			}
			return hangs(ctx, id)
		})
		w.watch("hangs")
		before := w.poller.Counts().Looks
		w.sleep(30 * time.Second)
		assert.Less(t, w.poller.Counts().Looks-before, uint64(50))
	})
}

// TestOneFailureIsSoonOver lets one call of either kind fail: news must not wait for long.
func TestOneFailureIsSoonOver(t *testing.T) {
	for _, kind := range allTroubles {
		t.Run(kind.String(), func(t *testing.T) {
			inWorld(t, poller.Options{MaxInterval: 2 * time.Second}, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(time.Minute)
				w.source.onList(failList(trouble(kind)))
				before := w.poller.Counts().Failures
				w.until(5*time.Second, "a failure", func() bool { return w.poller.Counts().Failures > before })
				w.source.onList(list(present("ann", 0), present("bob", 60)))
				w.until(3*time.Second, "the news", func() bool { return len(w.store.events("m")) == 2 })
			})
		})
	}
}

// TestOutage counts the calls of a long outage and measures how soon its end is noticed.
func TestOutage(t *testing.T) {
	tests := map[string]struct {
		with     error
		calls    int // in an hour, at most
		recovers time.Duration
	}{
		"unavailable":    {trouble(poller.Unavailable), 600, 15 * time.Second},
		"denied":         {trouble(poller.Denied), 40, 5 * time.Minute},
		"throttled":      {trouble(poller.Throttled), 300, 17 * time.Second},
		"exhausted":      {trouble(poller.Exhausted), 30, 6 * time.Minute},
		"asked to wait":  {troubleFor(poller.Unavailable, time.Minute), 150, time.Minute},
		"address block":  {troubleFor(poller.Throttled, 5*time.Minute), 13, 6 * time.Minute},
		"unnamed errors": {errors.New("burst exceeded"), 600, 15 * time.Second},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.watch("m")
				w.sleep(time.Minute)
				w.source.onList(failList(test.with))
				w.source.onInfo(failInfo(test.with))
				w.sleep(time.Minute)
				before := w.source.calls()
				w.sleep(time.Hour)
				assert.LessOrEqual(t, w.source.calls()-before, test.calls)
				w.source.onList(list(present("ann", 0)))
				w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil })
				w.until(test.recovers, "the news", func() bool { return len(w.store.events("m")) == 1 })
			})
		})
	}
}

// TestPauseHoldsEverythingBack is about the troubles that concern all calls.
func TestPauseHoldsEverythingBack(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		ids := names(20)
		w.watch(ids...)
		w.sleep(time.Minute)
		blocked := troubleFor(poller.Throttled, 5*time.Minute)
		var since atomic.Int64
		w.source.onList(func(context.Context, string) (poller.List, error) {
			since.CompareAndSwap(0, int64(w.elapsed()))
			return poller.List{}, blocked
		})
		w.until(time.Minute, "the block", func() bool { return since.Load() > 0 })
		before := w.source.calls()
		w.sleep(time.Duration(since.Load()) + 5*time.Minute - w.elapsed() - time.Second)
		for _, id := range ids {
			require.NoError(t, w.poller.LookNow(id))
		}
		require.NoError(t, w.poller.Unwatch(w.ctx, ids[0]), "giving up needs no call")
		w.sleep(500 * time.Millisecond)
		assert.Equal(t, before, w.source.calls(), "not a call during the block")
		w.source.onList(list())
		w.sleep(40 * time.Second)
		assert.Greater(t, w.source.calls(), before+15)
		assert.Equal(t, ids[1:], watchedIDs(w.poller))
	})
}

// TestThrottlingOfTheFew lets every third call be throttled: the others show that there is no need
// to wait longer.
func TestThrottlingOfTheFew(t *testing.T) {
	inWorld(t, poller.Options{MaxInterval: 2 * time.Second}, func(w *world) {
		var n atomic.Int64
		w.source.onList(func(context.Context, string) (poller.List, error) {
			if n.Add(1)%3 == 0 {
				return poller.List{}, troubleFor(poller.Throttled, time.Second)
			}
			return poller.List{Certain: true}, nil
		})
		w.watch("m")
		w.sleep(5 * time.Minute)
		for _, gap := range gaps(w.source.listCalls("m")) {
			assert.LessOrEqual(t, gap, 2*time.Second)
		}
	})
}

// TestStoreFails is about a store that is away: what was seen is seen again, and no call is wasted.
func TestStoreFails(t *testing.T) {
	away := errors.New("no connection")
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		w.store.on(hooks{
			beforeCommit: func(string) error { return away },
			beforeLoad:   func(string) error { return away },
			beat:         func() error { return away },
		})
		w.source.onList(list(present("ann", 60)))
		w.sleep(time.Minute)
		before := w.source.calls()
		w.sleep(time.Hour)
		assert.LessOrEqual(t, w.source.calls(), before, "calls for nothing")
		assert.Contains(t, w.poller.Health().Failing, "nats")
		w.store.on(hooks{})
		w.until(5*time.Second, "the news", func() bool { return len(w.store.events("m")) == 1 })
		w.until(2*time.Second, "the next beat", func() bool { return w.poller.Health().Failing["nats"] == "" })
	})
}

// TestStoreRefuses is about commits that fail though the store can be read: they are no reason to
// hurry.
func TestStoreRefuses(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		w.sleep(time.Minute)
		w.store.on(hooks{beforeCommit: func(string) error { return errors.New("too large") }})
		w.source.onList(list(present("ann", 60)))
		w.sleep(time.Minute)
		before := w.source.calls()
		w.sleep(time.Hour)
		assert.LessOrEqual(t, w.source.calls()-before, 500)
	})
}

// TestUnknownOutcome stores what the poller is told was not stored.
func TestUnknownOutcome(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		w.sleep(time.Second)
		w.store.on(hooks{afterCommit: func(string) error {
			w.store.on(hooks{})
			return errors.New("no answer")
		}})
		w.source.onList(list(present("ann", 1)))
		w.sleep(20 * time.Second)
		w.source.onList(list(gone("ann", 1, 5)))
		w.sleep(time.Minute)
		assert.Equal(t, []string{"1 joined ann", "2 left ann"}, w.store.events("m"))
	})
}

// TestSomebodyElseWrites lets another replica, or an answer that was lost, change the state behind
// the poller's back.
func TestSomebodyElseWrites(t *testing.T) {
	tests := map[string]struct {
		phase diff.Phase
		stays bool
		want  []string
	}{
		"gives the meeting up": {phase: diff.Unwatched, want: []string{"1 joined ann"}},
		"closes it out":        {phase: diff.Ended, want: []string{"1 joined ann"}},
		"goes on watching":     {phase: diff.Watched, stays: true, want: []string{"1 joined ann", "2 joined bob"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(time.Minute)
				w.store.put(w.store.state("m").WithPhase(test.phase))
				w.source.onList(list(present("ann", 0), present("bob", 60)))
				w.sleep(2 * time.Minute)
				assert.Equal(t, test.want, w.store.events("m"))
				assert.Equal(t, test.stays, w.watched("m"))
				assert.Equal(t, test.phase, w.store.state("m").Phase)
			})
		})
	}
}

func TestUnknownStatusIsCounted(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(diff.Row{UnionID: "ann", JoinTime: second(0), Status: 7}))
		w.watch("m")
		w.sleep(time.Minute)
		assert.Empty(t, w.store.events("m"))
		assert.NotZero(t, w.poller.Counts().UnknownStatus)
	})
}
