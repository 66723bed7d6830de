package budget

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// history is what replicas do to a month's calls, and what they were granted by month.
type history struct {
	world    *world
	store    *store
	limit    int
	replicas []*Month
	held     []ticket // taken, and not yet used
	used     map[string]int
}

// take takes a call at one of the replicas, and puts it aside.
func (h *history) take(t *rapid.T) {
	t.Helper()
	p := rapid.SampledFrom([]Purpose{Look, LastLook, LastLook, Discovery}).Draw(t, "purpose")
	took, err := h.some(t).take(t.Context(), p)
	switch {
	case err == nil:
		h.held = append(h.held, took)
	case !errors.Is(err, ErrSpent) && !errors.Is(err, ErrHeld):
		t.Fatal(err)
	}
}

// use makes the calls that were taken, or gives them back, wherever that is still allowed.
func (h *history) use(t *rapid.T) {
	for _, took := range h.held {
		m := h.some(t)
		switch rapid.IntRange(0, 3).Draw(t, "fate") {
		case 0: // its replica was killed
		case 1:
			m.putBack(took)
		default:
			if m.valid(took) {
				h.used[monthOf(h.world.time().In(china))]++
			}
		}
	}
	h.held = nil
}

func (h *history) some(t *rapid.T) *Month {
	return h.replicas[rapid.IntRange(0, len(h.replicas)-1).Draw(t, "replica")]
}

// restart kills a replica or stops it, and starts another one with a clock of its own.
func (h *history) restart(t *rapid.T) {
	which := rapid.IntRange(0, len(h.replicas)-1).Draw(t, "which")
	if rapid.Bool().Draw(t, "clean") {
		require.NoError(t, h.replicas[which].Close(t.Context()))
	}
	h.replicas[which] = h.open(t)
}

func (h *history) open(t *rapid.T) *Month {
	skew := time.Duration(rapid.IntRange(-2000, 2000).Draw(t, "skew in hours")) * time.Hour
	o := MonthOptions{
		Limit: h.limit, Live: func() int { return len(h.replicas) }, Now: func() time.Time { return h.world.time().Add(skew) },
	}
	m, err := newMonth(t.Context(), h.store, o.withDefaults(), h.world.ahead(0))
	require.NoError(t, err)
	return m
}

// pass lets time go by, sometimes up to the very end of the month.
func (h *history) pass(t *rapid.T) {
	now := h.world.time().In(china)
	_, end := bounds(now)
	h.world.pass(rapid.SampledFrom([]time.Duration{
		time.Second, time.Minute, 6 * time.Hour, end.Sub(now) - 3*time.Second, end.Sub(now) + 3*time.Second,
	}).Draw(t, "time"))
	for _, m := range h.replicas {
		if rapid.Bool().Draw(t, "refreshed") {
			require.NoError(t, m.refresh(t.Context()))
		}
	}
}

// check holds what was used and what is counted to the limit.
func (h *history) check(t *rapid.T) {
	for month, used := range h.used {
		c, err := h.replicas[0].store.count(t.Context(), month)
		require.NoError(t, err)
		if used > c.Drawn || c.Drawn > h.limit {
			t.Fatalf("%s: %d used, %d drawn, %d allowed", month, used, c.Drawn, h.limit)
		}
	}
}

func TestNeverOverspends(t *testing.T) {
	shared, err := openStore(t.Context(), connect(t, startServer(t)), 1)
	require.NoError(t, err)
	began := at(t, "2026-11-10 10:00").now
	rapid.Check(t, func(t *rapid.T) {
		require.NoError(t, shared.stream.Purge(t.Context()))
		h := &history{
			world: &world{now: began}, store: shared, used: map[string]int{},
			limit: rapid.SampledFrom([]int{1, 3, 7, 50, 3_000_000}).Draw(t, "limit"),
		}
		h.replicas = make([]*Month, 3)
		for i := range h.replicas {
			h.replicas[i] = h.open(t)
		}
		t.Repeat(map[string]func(*rapid.T){
			"take": h.take, "take again": h.take, "take once more": h.take, "use": h.use, "restart": h.restart, "pass": h.pass,
			"": h.check,
		})
	})
}
