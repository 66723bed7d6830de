package budget

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestSpacing has discovery take its part of the calls, and no more when calls run short.
func TestSpacing(t *testing.T) {
	w := at(t, "2026-11-02 09:00")
	spacing := func(limit, drawn int, known tally) float64 {
		m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: limit})
		m.known.Drawn, m.known.tally = drawn, known
		return m.spacing(w.time(), known) * 60
	}
	alone := tally{Begun: 10}
	assert.InDelta(t, 7.4, spacing(5000, 0, alone), 0.2, "minutes of office hours")
	assert.InDelta(t, 37, spacing(1000, 0, alone), 1)
	assert.InDelta(t, 2*7.4, spacing(5000, 2250, alone), 0.4, "half is left, but for the reserve")
	assert.Greater(t, spacing(5000, 4900, alone), 1e6, "none are left for it")
	told := tally{Begun: 10, Announced: 1}
	assert.InDelta(t, 30, spacing(5000, 0, told), 0.1)
	assert.InDelta(t, 2.4, spacing(200_000, 0, told), 0.3, "a fortieth of the calls")
	assert.InDelta(t, 9.6, spacing(5000, 0, tally{Begun: 10, Announced: 0.4}), 0.3, "one start was not told")
}

// TestExpected has the meetings of the month that is left be expected by those so far.
func TestExpected(t *testing.T) {
	w := at(t, "2026-11-16 00:00") // half of the office hours
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 5000})
	begin := chinaTime(t, "2026-11-01 00:00").UnixMilli()
	held, begun, rest := m.expected(w.time(), tally{First: begin, Held: 90, Begun: 110})
	require.InDelta(t, 0.52, rest, 0.02)
	assert.InDelta(t, 90/(1-rest), held, 10)
	assert.InDelta(t, 110/(1-rest), begun, 15)
	held, _, _ = m.expected(w.time(), tally{First: chinaTime(t, "2026-11-09 00:00").UnixMilli(), Held: 90})
	assert.InDelta(t, 90/0.235, held, 25, "they were looked for since the 9th only")
	held, begun, _ = m.expected(w.time(), tally{First: w.time().UnixMilli()})
	assert.Equal(t, []float64{5000 * usualHeld, 5000 * usualBegun}, []float64{held, begun}, "nothing is known")
	m.before.tally = tally{Held: 50, Begun: 60}
	held, begun, _ = m.expected(w.time(), tally{First: w.time().UnixMilli()})
	assert.InDelta(t, 50, held, 0.01, "as in the month before")
	assert.InDelta(t, 60, begun, 0.01)
}
