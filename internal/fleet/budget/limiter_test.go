package budget

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/api"
)

var _ api.Limiter = (*Limiter)(nil)

func TestLimiterWithoutParts(t *testing.T) {
	l := NewLimiter(LimiterOptions{})
	assert.NoError(t, l.Wait(t.Context()))
	l.Observe(throttled(time.Hour))
	l.Observe(upstreamExhausted())
	assert.NoError(t, l.Wait(t.Context()))
}

func TestPurposeOfACall(t *testing.T) {
	assert.Equal(t, Look, From(t.Context()))
	for _, p := range []Purpose{Look, Continued, Asked, LastLook, Discovery} {
		assert.Equal(t, p, From(With(t.Context(), p)))
		assert.NotEmpty(t, p.String())
	}
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 10})
	require.Equal(t, 9, spend(t, m, Look))
	given := Look
	l := NewLimiter(LimiterOptions{Month: m, Purpose: func(context.Context) Purpose { return given }})
	assert.ErrorIs(t, l.Wait(t.Context()), ErrSpent)
	given = LastLook
	assert.NoError(t, l.Wait(t.Context()))
}

func TestACallThatTheRateRefusesIsNotSpent(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 2})
	r, err := NewRate(RateOptions{PerSecond: 1e6})
	require.NoError(t, err)
	l := NewLimiter(LimiterOptions{Rate: r, Month: m})
	r.Observe(throttled(time.Minute))
	for range 5 {
		assert.ErrorIs(t, l.Wait(t.Context()), ErrHeld)
	}
	assert.Equal(t, 2, m.State().Left)
	l = NewLimiter(LimiterOptions{Month: m})
	require.NoError(t, l.Wait(t.Context()))
	require.NoError(t, l.Wait(t.Context()))
	assert.ErrorIs(t, l.Wait(t.Context()), ErrSpent)
}

func TestACallThatWaitsIntoTheNextMonthIsTakenAgain(t *testing.T) {
	w := at(t, "2026-11-30 23:59")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 50})
	peers := new(fixed)
	peers.live.Store(1)
	peers.excluded.Store(true)
	r, err := NewRate(RateOptions{PerSecond: 1000, Peers: peers})
	require.NoError(t, err)
	l := NewLimiter(LimiterOptions{Rate: r, Month: m})
	done := make(chan error, 1)
	go func() { done <- l.Wait(t.Context()) }()
	require.Eventually(t, func() bool { return stored(t, m, "2026-11").Drawn > 0 }, 10*time.Second, time.Millisecond)
	w.pass(time.Hour)
	peers.excluded.Store(false)
	require.NoError(t, <-done)
	assert.Equal(t, 1, stored(t, m, "2026-12").Drawn)
}

func TestLimiterObservesForBoth(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 50})
	r, err := NewRate(RateOptions{PerSecond: 10})
	require.NoError(t, err)
	l := NewLimiter(LimiterOptions{Rate: r, Month: m})
	l.Observe(nil)
	l.Observe(upstreamExhausted())
	assert.Equal(t, 10.0, r.PerSecond())
	refused := l.Wait(t.Context())
	require.ErrorIs(t, refused, ErrSpent)
	l.Observe(refused)
	assert.Equal(t, 10.0, r.PerSecond(), "our own word holds nothing back")
	l.Observe(throttled(time.Minute))
	assert.Zero(t, r.PerSecond())
}

func BenchmarkLimiterWait(b *testing.B) {
	w := at(b, "2026-11-10 10:00")
	m := w.open(b, connect(b, startServer(b)), MonthOptions{Limit: 50})
	m.parcel = ticket{"2026-11", 1 << 30}
	r, err := NewRate(RateOptions{PerSecond: 1e9})
	require.NoError(b, err)
	l := NewLimiter(LimiterOptions{Rate: r, Month: m})
	require.NoError(b, l.Wait(b.Context()))
	b.ReportAllocs()
	for b.Loop() {
		if l.Wait(b.Context()) != nil {
			b.Fatal("refused")
		}
	}
}
