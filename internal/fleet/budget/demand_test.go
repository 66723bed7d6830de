package budget

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// storedHabits reads what the replicas have learned.
func storedHabits(t *testing.T, m *Month) *habits {
	t.Helper()
	h := new(habits)
	_, err := m.store.load(t.Context(), habitsKey, h)
	require.NoError(t, err)
	return h
}

func TestReplicasLearnTogether(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	o := MonthOptions{Limit: 5000}
	a, b := w.open(t, connect(t, url), o), w.open(t, connect(t, url), o)
	for _, m := range []*Month{a, b, a} {
		for range 4 {
			require.NoError(t, m.Take(t.Context(), Look))
		}
		m.follow(t.Context())
	}
	assert.Equal(t, 12.0, storedHabits(t, a).Count)
	before := a.PerSecond()
	for range 30 {
		w.pass(time.Hour)
		a.follow(t.Context())
		b.follow(t.Context())
	}
	assert.Equal(t, 12.0, *storedHabits(t, a).Weights[slot(chinaTime(t, "2026-11-10 10:00"))])
	assert.Zero(t, *storedHabits(t, a).Weights[slot(chinaTime(t, "2026-11-10 11:00"))])
	w.pass((7*24 - 30) * time.Hour)
	b.follow(t.Context())
	assert.Greater(t, b.PerSecond(), before, "that is when calls are wanted")
	restarted := w.open(t, connect(t, url), o)
	restarted.follow(t.Context())
	assert.Equal(t, b.PerSecond(), restarted.PerSecond())
}

func TestAStopKeepsWhatWasLearned(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, url), MonthOptions{Limit: 5000})
	require.NoError(t, m.Take(t.Context(), Look))
	require.NoError(t, m.Close(t.Context()))
	assert.Equal(t, 1.0, storedHabits(t, m).Count)
}

func TestReplicasStopTogether(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	var all sync.WaitGroup
	for range 8 {
		m := w.open(t, connect(t, url), MonthOptions{Limit: 4000_000})
		require.NoError(t, m.Take(t.Context(), Look))
		all.Go(func() { assert.NoError(t, m.Close(t.Context())) })
	}
	all.Wait()
	m := w.open(t, connect(t, url), MonthOptions{Limit: 4000_000})
	assert.Equal(t, 8, stored(t, m, "2026-11").Drawn, "every parcel is given back, and given back once")
	assert.Equal(t, 8.0, storedHabits(t, m).Count)
}

func TestAnHourInWhichCallsWereRefusedTellsNothing(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 10})
	require.Equal(t, 9, spend(t, m, Look))
	require.NoError(t, m.Take(t.Context(), LastLook))
	m.follow(t.Context())
	assert.Zero(t, storedHabits(t, m).Hour)
	w.pass(time.Hour)
	m.follow(t.Context())
	assert.NotZero(t, storedHabits(t, m).Hour)
}
