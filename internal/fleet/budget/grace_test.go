package budget

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestGrace lets last looks go on for five days after the calls are used up, and nothing else.
func TestGrace(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	url := startServer(t)
	m := w.open(t, connect(t, url), MonthOptions{Limit: 10, Grace: true})
	spend(t, m, Look)
	for m.State().Left > 0 {
		require.NoError(t, m.Take(t.Context(), LastLook))
	}
	for range 5 {
		require.NoError(t, m.Take(t.Context(), LastLook))
		for _, p := range []Purpose{Look, Asked, Continued, Discovery} {
			require.ErrorIs(t, m.Take(t.Context(), p), ErrSpent, p)
		}
	}
	assert.Equal(t, 15, stored(t, m, "2026-11").Drawn)
	other := w.open(t, connect(t, url), MonthOptions{Limit: 10})
	require.ErrorIs(t, other.Take(t.Context(), LastLook), ErrSpent, "not unless it is wanted")

	w.pass(graceFor - time.Second)
	require.NoError(t, m.refresh(t.Context()))
	require.NoError(t, m.Take(t.Context(), LastLook))
	w.pass(time.Second)
	require.ErrorIs(t, m.Take(t.Context(), LastLook), ErrSpent)
}

// TestGraceEndsWithUpstreamsWord, which is heeded for as long as ever.
func TestGraceEndsWithUpstreamsWord(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 1, Grace: true})
	require.NoError(t, m.Take(t.Context(), LastLook))
	require.NoError(t, m.Take(t.Context(), LastLook))
	m.Observe(upstreamExhausted())
	require.ErrorIs(t, m.Take(t.Context(), LastLook), ErrSpent)
	w.pass(upstreamHold)
	require.NoError(t, m.refresh(t.Context()))
	require.NoError(t, m.Take(t.Context(), LastLook))
}
