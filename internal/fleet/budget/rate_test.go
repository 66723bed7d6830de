package budget

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

// fixed is a number of replicas that a test changes.
type fixed struct {
	live     atomic.Int64
	excluded atomic.Bool
}

func (f *fixed) Live() int      { return int(f.live.Load()) }
func (f *fixed) Admitted() bool { return !f.excluded.Load() }

func newRate(t *testing.T, perSecond float64, live int64) (*Rate, *fixed) {
	t.Helper()
	peers := new(fixed)
	peers.live.Store(live)
	r, err := NewRate(RateOptions{PerSecond: perSecond, Peers: peers})
	require.NoError(t, err)
	return r, peers
}

// callsWithin counts the calls that somebody who never has enough makes in a time.
func callsWithin(t *testing.T, r *Rate, d time.Duration) int {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	for n := 0; ; n++ {
		if err := r.Wait(ctx, Look); err != nil {
			require.ErrorIs(t, err, context.DeadlineExceeded)
			return n
		}
	}
}

func TestShareFollowsLiveReplicas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peers := newRate(t, 20, 1)
		assert.Equal(t, 20.0, r.PerSecond())
		assert.InDelta(t, 200, callsWithin(t, r, 10*time.Second), 1)
		peers.live.Store(4)
		assert.Equal(t, 5.0, r.PerSecond())
		assert.InDelta(t, 50, callsWithin(t, r, 10*time.Second), 1)
		peers.live.Store(2)
		assert.InDelta(t, 100, callsWithin(t, r, 10*time.Second), 1)
	})
}

func TestNothingIsSavedUpAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 20, 1)
		began := time.Now()
		require.NoError(t, r.Wait(t.Context(), Look))
		assert.InDelta(t, 50, time.Since(began).Milliseconds(), 1)
	})
}

func TestOnlyAQuarterSecondIsSavedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 20, 1)
		require.NoError(t, r.Wait(t.Context(), Look))
		time.Sleep(time.Hour)
		assert.Equal(t, 5, callsWithin(t, r, time.Millisecond))
	})
}

func TestAGrowingShareAddsNoBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peers := newRate(t, 40, 4)
		require.NoError(t, r.Wait(t.Context(), Look))
		time.Sleep(time.Hour)
		assert.Equal(t, 2, callsWithin(t, r, time.Millisecond))
		peers.live.Store(1)
		assert.Zero(t, callsWithin(t, r, time.Millisecond))
		assert.InDelta(t, 40, callsWithin(t, r, time.Second), 1)
	})
}

func TestNotAdmittedMakesNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, peers := newRate(t, 20, 2)
		peers.excluded.Store(true)
		assert.Zero(t, r.PerSecond())
		assert.Zero(t, callsWithin(t, r, time.Minute))
		time.AfterFunc(time.Second, func() { peers.excluded.Store(false) })
		began := time.Now()
		require.NoError(t, r.Wait(t.Context(), Look))
		assert.InDelta(t, 1100, time.Since(began).Milliseconds(), float64(recheck.Milliseconds())+1)
		assert.Zero(t, callsWithin(t, r, 90*time.Millisecond), "nothing was saved up meanwhile")
	})
}

func TestThrottlingShrinksTheShareOncePerEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 16, 1)
		for range 10 { // the calls that were under way
			r.Observe(throttled(time.Second))
		}
		assert.Zero(t, r.PerSecond(), "held back")
		time.Sleep(2 * time.Second)
		synctest.Wait()
		assert.InDelta(t, 8, r.PerSecond(), 0.2)
		time.Sleep(10 * time.Second)
		assert.InDelta(t, 16*0.6, r.PerSecond(), 0.2)
		time.Sleep(time.Minute)
		assert.Equal(t, 16.0, r.PerSecond())
		for range 10 {
			r.Observe(throttled(0))
			time.Sleep(2 * time.Second)
		}
		assert.InDelta(t, 1, r.PerSecond(), 0.4, "never below a sixteenth")
	})
}

func TestHoldKeepsAllCallsBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 20, 1)
		require.NoError(t, r.Wait(t.Context(), Look))
		time.Sleep(time.Hour) // something is saved up
		began := time.Now()
		r.Observe(&poller.SourceError{Trouble: poller.Unavailable, Wait: 2 * time.Second, Err: errors.New("503")})
		require.NoError(t, r.Wait(t.Context(), LastLook))
		waited := time.Since(began)
		assert.GreaterOrEqual(t, waited, 2*time.Second)
		assert.LessOrEqual(t, waited, 2*time.Second+longestJitter+2*recheck)
		assert.Zero(t, callsWithin(t, r, 40*time.Millisecond), "what was saved up is gone")
		assert.Equal(t, 20.0, r.PerSecond(), "an outage is no reason to go slower")
	})
}

func TestReplicasDoNotGoOnInStep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ends := map[time.Time]bool{}
		for range 20 {
			r, _ := newRate(t, 20, 1)
			r.Observe(throttled(time.Second))
			ends[r.held] = true
		}
		assert.Greater(t, len(ends), 15)
	})
}

func TestALongHoldIsToldAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 0.1, 1)
		waiting := make(chan error, 1)
		go func() { waiting <- r.Wait(t.Context(), Look) }()
		synctest.Wait()
		began := time.Now()
		r.Observe(throttled(time.Hour))
		for _, err := range []error{<-waiting, r.Wait(t.Context(), LastLook)} {
			require.ErrorIs(t, err, ErrHeld)
			source := sourceError(t, err)
			assert.Equal(t, poller.Throttled, source.Trouble)
			assert.Equal(t, longestWait, source.Wait)
		}
		assert.Zero(t, time.Since(began))
		r.Observe(r.Wait(t.Context(), Look)) // its own word is no news
		time.Sleep(longestHold + longestJitter)
		assert.NoError(t, r.Wait(t.Context(), Look), "five minutes are the most that upstream may ask for")
	})
}

func TestErrorsThatSayNothingOfLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 20, 1)
		for _, err := range []error{
			nil, errors.New("x"), context.Canceled, &poller.SourceError{Trouble: poller.NotFound, Err: errors.New("gone")},
			&poller.SourceError{Trouble: poller.Unavailable, Wait: -time.Hour, Err: errors.New("nonsense")},
		} {
			r.Observe(err)
			assert.Equal(t, 20.0, r.PerSecond())
		}
	})
}

func TestUrgentCallsGoFirstAndOthersAreNotStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 1, 1)
		var mu sync.Mutex
		var order []Purpose
		var wg sync.WaitGroup
		for _, p := range []Purpose{Look, Discovery, Look, LastLook, LastLook, Asked, Asked, Continued, Asked} {
			wg.Go(func() {
				if assert.NoError(t, r.Wait(t.Context(), p)) {
					mu.Lock()
					defer mu.Unlock()
					order = append(order, p)
				}
			})
			synctest.Wait()
		}
		wg.Wait()
		assert.Equal(t, []Purpose{LastLook, LastLook, Asked, Look, Asked, Continued, Asked, Discovery, Look}, order)
	})
}

func TestWhoeverGivesUpLeavesTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 1, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() { assert.ErrorIs(t, r.Wait(ctx, Look), context.Canceled) })
		}
		synctest.Wait()
		last := make(chan error, 1)
		began := time.Now()
		go func() { last <- r.Wait(t.Context(), Look) }()
		synctest.Wait()
		cancel()
		wg.Wait()
		require.NoError(t, <-last)
		assert.InDelta(t, 1000, time.Since(began).Milliseconds(), 2)
		require.ErrorIs(t, r.Wait(ctx, Look), context.Canceled)
	})
}

func TestTheQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, _ := newRate(t, 1e-3, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		for range maxWaiting {
			wg.Go(func() { assert.ErrorIs(t, r.Wait(ctx, Look), context.Canceled) })
		}
		synctest.Wait()
		assert.ErrorIs(t, r.Wait(ctx, LastLook), ErrHeld)
		cancel()
		wg.Wait()
	})
}

func TestRateHasToBePositive(t *testing.T) {
	for _, rate := range []float64{0, -1, math.NaN(), math.Inf(1)} {
		_, err := NewRate(RateOptions{PerSecond: rate})
		assert.ErrorContains(t, err, "PerSecond")
	}
	r, err := NewRate(RateOptions{PerSecond: 3})
	require.NoError(t, err)
	assert.Equal(t, 3.0, r.PerSecond())
}

func BenchmarkRateWait(b *testing.B) {
	r, err := NewRate(RateOptions{PerSecond: 1e9})
	require.NoError(b, err)
	require.NoError(b, r.Wait(b.Context(), Look))
	b.ReportAllocs()
	for b.Loop() {
		if r.Wait(b.Context(), Look) != nil {
			b.Fatal("refused")
		}
	}
}
