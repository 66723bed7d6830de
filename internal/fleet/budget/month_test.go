package budget

import (
	"context"
	"errors"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/poller"
)

func TestRacingReplicasSpendWhatThereIs(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	const limit = 200
	var granted atomic.Int64
	var all sync.WaitGroup
	for range 3 {
		m := w.open(t, connect(t, url), MonthOptions{Limit: limit, Live: func() int { return 3 }})
		for range 4 {
			all.Go(func() {
				for m.Take(t.Context(), LastLook) == nil {
					granted.Add(1)
				}
			})
		}
	}
	all.Wait()
	assert.LessOrEqual(t, granted.Load(), int64(limit))
	m := w.open(t, connect(t, url), MonthOptions{Limit: limit})
	rest := spend(t, m, LastLook)
	assert.EqualValues(t, limit, granted.Load()+int64(rest), "nothing is lost where nobody dies")
	assert.Equal(t, limit, stored(t, m, "2026-11").Drawn)
}

func TestAKillLosesOnlyTheParcel(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	o := MonthOptions{Limit: 4000_000, Live: func() int { return 3 }} // parcels of some size
	granted, lost := 0, 0
	for range 5 {
		m := w.open(t, connect(t, url), o)
		require.NoError(t, m.Take(t.Context(), Look))
		granted++
		lost += m.parcel.calls
		require.NotZero(t, m.parcel.calls)
		require.Less(t, m.parcel.calls, largestParcel)
	}
	m := w.open(t, connect(t, url), o)
	assert.Equal(t, granted+lost, stored(t, m, "2026-11").Drawn)
	assert.Equal(t, o.Limit-granted-lost, m.State().Left)
}

func TestASmallBudgetIsDrawnCallByCall(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	granted := 0
	for range 30 { // killed after every second call
		m := w.open(t, connect(t, url), MonthOptions{Limit: 50, Live: func() int { return 3 }})
		for range 2 {
			if m.Take(t.Context(), LastLook) == nil {
				granted++
			}
		}
	}
	assert.Equal(t, 50, granted)
}

// TestClosingKeepsTheFirstError, and gives back what it can all the same.
func TestClosingKeepsTheFirstError(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, url), MonthOptions{Limit: 4000_000})
	require.NoError(t, m.Take(t.Context(), Look))
	_, err := m.store.kv.PutString(t.Context(), habitsKey, "no JSON")
	require.NoError(t, err)
	require.ErrorContains(t, m.Close(t.Context()), habitsKey)
	assert.Equal(t, 1, stored(t, m, "2026-11").Drawn)
}

func TestACleanStopGivesBack(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	o := MonthOptions{Limit: 4000_000}
	m := w.open(t, connect(t, url), o)
	require.NoError(t, m.Take(t.Context(), Look))
	require.Greater(t, stored(t, m, "2026-11").Drawn, 1)
	require.NoError(t, m.Close(t.Context()))
	assert.Equal(t, 1, stored(t, m, "2026-11").Drawn)
	require.NoError(t, m.Close(t.Context()), "twice gives back once")
	assert.Equal(t, 1, stored(t, m, "2026-11").Drawn)
	err := m.Take(t.Context(), LastLook)
	assert.ErrorIs(t, err, ErrClosed)
	assert.Equal(t, poller.Unavailable, sourceError(t, err).Trouble)
	m.putBack(ticket{"2026-11", 1})
	assert.Zero(t, m.parcel.calls, "what comes back late is lost")
}

func TestAChangeWithoutAnAnswerIsNotRepeated(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	proxy := startProxy(t, url)
	o := MonthOptions{Limit: 20}
	m, other := w.open(t, connect(t, "nats://"+proxy.Addr()), o), w.open(t, connect(t, url), o)
	for range 5 {
		require.NoError(t, other.Take(t.Context(), Look))
	}
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	edits := 0
	go func() {
		failed <- m.store.change(ctx, "2026-11", func(c *count) bool {
			edits++
			proxy.ToClient(faultproxy.Swallow)
			c.Drawn--
			return true
		})
	}()
	require.Eventually(t, func() bool { return stored(t, other, "2026-11").Drawn == 4 }, 10*time.Second, time.Millisecond)
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	assert.Equal(t, 1, edits)
	assert.Equal(t, 16, spend(t, other, LastLook))
}

func TestAnAnswerThatDoesNotComeIsNoCall(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	proxy := startProxy(t, url)
	o := MonthOptions{Limit: 20}
	m, other := w.open(t, connect(t, "nats://"+proxy.Addr()), o), w.open(t, connect(t, url), o)
	require.NoError(t, m.Take(t.Context(), Look))
	proxy.ToClient(faultproxy.Swallow)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- m.Take(ctx, Look) }()
	require.Eventually(t, func() bool { return stored(t, other, "2026-11").Drawn == 2 }, 10*time.Second, time.Millisecond,
		"it is drawn, and stays so")
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	assert.Zero(t, m.parcel.calls)
	assert.Equal(t, 18, spend(t, other, LastLook))
}

func TestNATSThatDoesNotAnswerIsNamed(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	proxy := startProxy(t, startServer(t))
	m := w.open(t, connect(t, "nats://"+proxy.Addr()), MonthOptions{Limit: 20})
	proxy.ToClient(faultproxy.Swallow)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	err := m.Take(ctx, Look)
	require.ErrorIs(t, err, ErrUncounted)
	assert.Equal(t, poller.Unavailable, sourceError(t, err).Trouble)
}

func TestCutsInTheMiddleOfDrawsDoNotOverspend(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	proxy := startProxy(t, url)
	const limit = 60
	m := w.open(t, connect(t, "nats://"+proxy.Addr()), MonthOptions{Limit: limit})
	require.NoError(t, m.Take(t.Context(), Look))
	granted := 1
	var answers atomic.Int64
	proxy.ToClient(func(data []byte) []byte {
		if answers.Add(1)%7 == 0 {
			proxy.Cut()
			return nil
		}
		return data
	})
	require.Eventually(t, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := m.Take(ctx, LastLook)
		if err == nil {
			granted++
		}
		return errors.Is(err, ErrSpent)
	}, 60*time.Second, time.Microsecond)
	assert.LessOrEqual(t, granted, limit)
}

func TestWithoutNATSNothingIsSpent(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	proxy := startProxy(t, url)
	conn := connect(t, "nats://"+proxy.Addr())
	m := w.open(t, conn, MonthOptions{Limit: 4000_000})
	require.NoError(t, m.Take(t.Context(), Look))
	had := m.parcel.calls
	require.NotZero(t, had)
	proxy.Refuse(true)
	proxy.Cut()
	require.Eventually(t, func() bool { return !conn.IsConnected() }, 10*time.Second, time.Millisecond)
	err := m.Take(t.Context(), LastLook)
	require.ErrorIs(t, err, ErrUncounted)
	assert.ErrorContains(t, err, "not connected to NATS")
	assert.Equal(t, had, m.parcel.calls)
	proxy.Refuse(false)
	require.Eventually(t, func() bool { return m.Take(t.Context(), Look) == nil }, 10*time.Second, time.Millisecond)
}

func TestTheSacrificesComeInOrder(t *testing.T) {
	tests := map[string]struct {
		limit, discovery, look int // what is left when they go without
	}{
		"standard": {5000, 500, 250},
		"fifty":    {50, 6, 3},
		"five":     {5, 2, 1},
		"four":     {4, 0, 0},
		"one":      {1, 0, 0},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			w := at(t, "2026-11-01 00:01")
			m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: tt.limit})
			require.NoError(t, m.store.change(t.Context(), "2026-11", func(c *count) bool {
				c.Drawn = tt.limit - tt.discovery - 1
				return true
			}))
			require.NoError(t, m.refresh(t.Context()))
			require.NoError(t, m.Take(t.Context(), Discovery))
			assert.Equal(t, tt.discovery, m.State().Left)
			assert.ErrorIs(t, m.Take(t.Context(), Discovery), ErrSpent)
			assert.Equal(t, tt.discovery-tt.look, spend(t, m, Look))
			assert.ErrorIs(t, m.Take(t.Context(), Asked), ErrSpent)
			assert.Error(t, m.State().Err)
			assert.Equal(t, tt.look, spend(t, m, LastLook))
			assert.Zero(t, m.State().Left)
		})
	}
}

func TestTheReserveIsFreedTowardsTheEnd(t *testing.T) {
	w := at(t, "2026-11-30 23:50")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 100})
	assert.Equal(t, 99, spend(t, m, Look))
}

func TestTheEndOfTheBudgetIsSaidOnceAndANewMonthBegins(t *testing.T) {
	w := at(t, "2026-11-30 12:00")
	said := new(reports)
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 10, Reporter: said})
	assert.Equal(t, 9, spend(t, m, Look))
	err := m.Take(t.Context(), Look)
	source := sourceError(t, err)
	assert.Equal(t, poller.Exhausted, source.Trouble)
	assert.Equal(t, longestWait, source.Wait)
	assert.Zero(t, m.PerSecond())
	require.NoError(t, m.Take(t.Context(), LastLook))
	require.ErrorIs(t, m.Take(t.Context(), LastLook), ErrSpent)
	const next = "; the next month begins at 2026-12-01T00:00:00+08:00"
	assert.Equal(t, []string{
		"the month's calls are used up: of 10 in 2026-11 those left are not for discovery" + next,
		"the month's calls are used up: of 10 in 2026-11 those left are for last looks" + next,
		"the month's calls are used up: of 10 in 2026-11 none are left" + next,
	}, said.all())
	w.pass(12*time.Hour + edge)
	assert.NoError(t, m.Take(t.Context(), Look))
	assert.Equal(t, "2026-12", m.State().Month)
	assert.NoError(t, m.State().Err)
	assert.Equal(t, 9, m.State().Left)
	assert.Empty(t, said.all()[len(said.all())-1])
}

func TestACallOfOneMonthIsNotMadeInAnother(t *testing.T) {
	w := at(t, "2026-11-30 23:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 4000_000})
	took, err := m.take(t.Context(), Look)
	require.NoError(t, err)
	require.NotZero(t, m.parcel.calls)
	assert.True(t, m.valid(took))
	w.pass(time.Hour - edge + time.Millisecond)
	require.NoError(t, m.refresh(t.Context()))
	assert.False(t, m.valid(took), "it could arrive in the next month")
	err = m.Take(t.Context(), LastLook)
	require.ErrorIs(t, err, ErrHeld)
	assert.Equal(t, poller.Throttled, sourceError(t, err).Trouble)
	assert.Equal(t, 2*edge-time.Millisecond, sourceError(t, err).Wait)
	w.pass(edge)
	assert.ErrorIs(t, m.Take(t.Context(), LastLook), ErrHeld)
	w.pass(edge)
	assert.False(t, m.valid(took))
	drawn := stored(t, m, "2026-11").Drawn
	require.NoError(t, m.Take(t.Context(), Look))
	assert.Equal(t, drawn, stored(t, m, "2026-11").Drawn)
	december := stored(t, m, "2026-12").Drawn
	assert.NotZero(t, december)
	m.putBack(took)
	require.NoError(t, m.Close(t.Context()))
	assert.Equal(t, 1, stored(t, m, "2026-12").Drawn, "November's call does not come back as December's")
	assert.Equal(t, drawn, stored(t, m, "2026-11").Drawn)
}

func TestTheServersClockDecides(t *testing.T) {
	for name, skew := range map[string]time.Duration{"behind": -400 * 24 * time.Hour, "ahead": 40 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			w := at(t, "2026-11-10 10:00")
			now := func() time.Time { return w.time().Add(skew) }
			m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 50, Now: now})
			require.NoError(t, m.Take(t.Context(), Look))
			assert.Equal(t, 1, stored(t, m, "2026-11").Drawn)
			assert.Equal(t, "2026-11", m.State().Month)
		})
	}
}

func TestTheMonthDoesNotGoBack(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-30 23:59")
	o := MonthOptions{Limit: 50}
	ahead, err := w.tryOpen(t, connect(t, url), o, 2*time.Minute)
	require.NoError(t, err)
	require.NoError(t, ahead.Take(t.Context(), Look))
	require.Equal(t, 1, stored(t, ahead, "2026-12").Drawn)
	m := w.open(t, connect(t, url), o)
	require.NoError(t, m.Take(t.Context(), Look))
	assert.Equal(t, 2, stored(t, m, "2026-12").Drawn)
	assert.Zero(t, stored(t, m, "2026-11").Drawn)
	assert.Less(t, m.PerSecond(), 0.01, "there is a whole month to go")
}

func TestAClockThatIsSetIsNoticed(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-30 23:00")
	var jump atomic.Int64
	now := func() time.Time { return w.time().Add(time.Duration(jump.Load())) }
	m := w.open(t, connect(t, url), MonthOptions{Limit: 4000_000, Now: now})
	require.NoError(t, m.Take(t.Context(), Look))
	w.pass(2 * time.Hour) // the machine slept, and does not know
	jump.Store(int64(-2*time.Hour) - int64(time.Minute))
	require.NoError(t, m.Take(t.Context(), Look))
	assert.Equal(t, "2026-12", m.State().Month)
}

func TestUpstreamsWordStopsAllReplicas(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	said := new(reports)
	m := w.open(t, connect(t, url), MonthOptions{Limit: 5000})
	other := w.open(t, connect(t, url), MonthOptions{Limit: 5000, Reporter: said})
	require.NoError(t, m.Take(t.Context(), Look))
	ctx, cancel := context.WithCancel(t.Context())
	var run sync.WaitGroup
	run.Go(func() { m.Run(ctx) })
	m.Observe(upstreamExhausted())
	err := m.Take(t.Context(), LastLook)
	assert.ErrorIs(t, err, ErrSpent)
	assert.Equal(t, poller.Exhausted, sourceError(t, err).Trouble)
	assert.Zero(t, m.PerSecond())
	assert.Error(t, m.State().Err)
	require.Eventually(t, func() bool { return stored(t, other, "2026-11").Until > 0 }, 10*time.Second, time.Millisecond)
	cancel()
	run.Wait()
	require.NoError(t, other.refresh(t.Context()))
	assert.ErrorIs(t, other.Take(t.Context(), Look), ErrSpent)
	w.pass(upstreamHold)
	assert.NoError(t, m.Take(t.Context(), Look), "somebody may have bought more")
	assert.NoError(t, other.Take(t.Context(), Look))
	assert.Len(t, said.all(), 2)
}

func TestUpstreamsWordEndsWithTheMonth(t *testing.T) {
	w := at(t, "2026-11-30 23:59")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 50})
	m.Observe(upstreamExhausted())
	assert.ErrorIs(t, m.Take(t.Context(), Look), ErrSpent)
	w.pass(time.Minute + edge)
	assert.NoError(t, m.Take(t.Context(), Look))
}

func TestWithoutALimit(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	said := new(reports)
	m, err := OpenMonth(t.Context(), nil, MonthOptions{Now: w.time, Reporter: said})
	require.NoError(t, err)
	assert.True(t, math.IsInf(m.PerSecond(), 1))
	assert.Zero(t, m.UntilList())
	require.NoError(t, m.Take(t.Context(), Discovery))
	for _, err := range []error{nil, errors.New("x"), throttled(0), refusal(poller.Exhausted, 0, ErrSpent)} {
		m.Observe(err)
		require.NoError(t, m.Take(t.Context(), Look))
	}
	m.Observe(upstreamExhausted())
	assert.ErrorIs(t, m.Take(t.Context(), Look), ErrSpent)
	assert.ErrorIs(t, m.State().Err, ErrSpent)
	w.pass(upstreamHold)
	assert.NoError(t, m.Take(t.Context(), Look))
	assert.Equal(t, []string{
		"quota_exhausted: budget: the month's calls are used up, DingTalk says", "",
	}, said.all())
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	m.Run(ctx)
	assert.NoError(t, m.Close(t.Context()))
}

func TestBadOptionsAndBadRecords(t *testing.T) {
	_, err := OpenMonth(t.Context(), nil, MonthOptions{Limit: -1})
	assert.ErrorContains(t, err, "Limit -1")
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, url), MonthOptions{Limit: 50})
	for _, bad := range []string{"", "50", `{"drawn":"x"}`, `{"drawn":-7}`} {
		_, err = m.store.kv.Put(t.Context(), "2026-11", []byte(bad))
		require.NoError(t, err)
		m.forget()
		err = m.Take(t.Context(), Look)
		require.ErrorIs(t, err, ErrUncounted, bad)
		assert.ErrorContains(t, err, "2026-11 of ROLLCALL_BUDGET")
		_, err = w.tryOpen(t, connect(t, url), MonthOptions{Limit: 50}, 0)
		assert.ErrorContains(t, err, "2026-11 of ROLLCALL_BUDGET")
	}
	closed := connect(t, url)
	closed.Close()
	_, err = OpenMonth(t.Context(), closed, MonthOptions{Limit: 50})
	assert.ErrorContains(t, err, "opening the count")
}

func TestWhoeverGivesUpIsToldNothingElse(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 50})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := m.Take(ctx, Look)
	require.ErrorIs(t, err, context.Canceled)
	assert.NotErrorIs(t, err, ErrUncounted)
}

func TestTheRealServersTime(t *testing.T) {
	s, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	m, err := OpenMonth(t.Context(), connect(t, s.ClientURL()), MonthOptions{Limit: 1_000_000_000})
	require.NoError(t, err)
	m.mu.Lock()
	now, ok := m.time()
	m.mu.Unlock()
	assert.True(t, ok)
	assert.WithinDuration(t, time.Now(), now, 10*time.Second)
	assert.Equal(t, now.Format("2006-01"), m.State().Month)
}

func BenchmarkTakeFromTheParcel(b *testing.B) {
	w := at(b, "2026-11-10 10:00")
	m := w.open(b, connect(b, startServer(b)), MonthOptions{Limit: 50})
	m.parcel = ticket{"2026-11", math.MaxInt32}
	b.ReportAllocs()
	for b.Loop() {
		if _, done, err := m.takeDrawn(Look); !done || err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDraw(b *testing.B) {
	w := at(b, "2026-11-10 10:00")
	m := w.open(b, connect(b, startServer(b)), MonthOptions{Limit: math.MaxInt32})
	for b.Loop() {
		if m.Take(b.Context(), LastLook) != nil {
			b.Fatal("refused")
		}
	}
}
