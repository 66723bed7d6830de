package budget

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func openSlots(t *testing.T, url string) *Slots {
	t.Helper()
	slots, err := OpenSlots(t.Context(), connect(t, url), 0)
	require.NoError(t, err)
	return slots
}

func TestTurnsAreApart(t *testing.T) {
	url := startServer(t)
	const every = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var mu sync.Mutex
	var ends []time.Time // when slots were had
	var all sync.WaitGroup
	began := time.Now()
	for range 5 {
		slots := openSlots(t, url)
		for range 2 {
			all.Go(func() {
				for slots.wait(ctx, every) == nil {
					mu.Lock()
					ends = append(ends, time.Now())
					if len(ends) == 20 {
						cancel()
					}
					mu.Unlock()
				}
			})
		}
	}
	all.Wait()
	slices.SortFunc(ends, time.Time.Compare)
	require.GreaterOrEqual(t, len(ends), 20)
	assert.GreaterOrEqual(t, ends[len(ends)-1].Sub(began), time.Duration(len(ends)-1)*every,
		"each slot is at least that long after the one before")
}

func TestALateReplicaWaitsForItsSlot(t *testing.T) {
	url := startServer(t)
	a, b := openSlots(t, url), openSlots(t, url)
	require.NoError(t, a.wait(t.Context(), time.Millisecond))
	began := time.Now()
	require.NoError(t, b.wait(t.Context(), 200*time.Millisecond))
	assert.GreaterOrEqual(t, time.Since(began), 200*time.Millisecond, "it cannot know how long ago the last slot was")
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	assert.ErrorIs(t, a.wait(ctx, time.Hour), context.DeadlineExceeded)
	require.NoError(t, a.wait(t.Context(), time.Millisecond), "whoever gave up may try again")
}

func TestWithoutNATSNobodyHasASlot(t *testing.T) {
	conn := connect(t, startServer(t))
	slots, err := OpenSlots(t.Context(), conn, 1)
	require.NoError(t, err)
	conn.Close()
	assert.ErrorIs(t, slots.wait(t.Context(), time.Millisecond), ErrUncounted)
	_, err = OpenSlots(t.Context(), conn, 1)
	assert.ErrorContains(t, err, "opening the turns")
}

func TestTooManyReplicasTakeSlots(t *testing.T) {
	url := startServer(t)
	peers := new(fixed)
	peers.live.Store(40)
	var rates []*Rate
	for range 3 {
		r, err := NewRate(RateOptions{PerSecond: 28, Peers: peers, Slots: openSlots(t, url)})
		require.NoError(t, err)
		assert.InDelta(t, 0.7, r.PerSecond(), 1e-9)
		rates = append(rates, r)
	}
	began := time.Now()
	var all sync.WaitGroup
	for _, r := range rates {
		all.Go(func() {
			for range 3 {
				assert.NoError(t, r.Wait(t.Context(), Look))
			}
		})
	}
	all.Wait()
	assert.GreaterOrEqual(t, time.Since(began), 9*time.Second/28, "as if they were one")
	peers.live.Store(35)
	assert.False(t, rates[0].scarce(peers.Live()))
}
