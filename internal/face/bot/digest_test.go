package bot

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/internal/simulator"
)

func (w *world) ended(meeting string) { w.t.Helper(); w.tell(events.MeetingEnded, meeting, meeting) }

// TestADigestIsOneMessageForEachMeeting, when it is over, however often the bot is started again meanwhile.
func TestADigestIsOneMessageForEachMeeting(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.RobotSettings{})
	rules := w.rules(strings.Replace(office, "SECsimulatedrobotsecret}", "SECsimulatedrobotsecret, digest: always}", 1))
	p := w.launch("one", rules, -1, false)
	w.ready("office")
	w.join("long", "Ann")
	w.join("short", "Bob")
	w.join("short", "Eve")
	p.stop()
	p = w.launch("two", rules, -1, false)
	w.join("long", "Jim")
	w.join("short", "Kim")
	w.ended("other")
	w.ended("short")
	require.Eventually(t, func() bool { return len(w.said(0)) == 1 }, patience, 2*time.Millisecond, "log:\n%s", &w.log)
	text := w.said(0)[0]
	for name, times := range map[string]int{"Bob": 1, "Eve": 1, "Kim": 1, "Ann": 0, "Jim": 0} {
		assert.Equal(t, times, strings.Count(text, name), "%s in %s", name, text)
	}
	p.stop()
	w.launch("three", rules, -1, false)
	w.join("long", "Liz")
	w.ended("long")
	w.told(0)
	assert.Len(t, w.said(0), 2)
	require.Eventually(t, func() bool { return len(w.kept("office").Ahead) == 0 }, patience, 2*time.Millisecond)
}

// TestADigestWaitsOnlySoLong for a meeting's end.
func TestADigestWaitsOnlySoLong(t *testing.T) {
	t.Parallel()
	now := time.Now()
	of := func(meeting string, age time.Duration) item {
		return item{id: meeting, meeting: meeting, at: now.Add(-age)}
	}
	w := &worker{rules: &Rules{maxAge: DefaultMaxAge}, brief: true, timing: timing{now: func() time.Time { return now }}}
	w.batch = []item{of("old", longestDigest), of("new", time.Hour)}
	ripe, rest := w.ripe()
	assert.Equal(t, []item{of("old", longestDigest)}, ripe)
	assert.Equal(t, []item{of("new", time.Hour)}, rest)
	w.rules.maxAge = 2 * time.Hour
	ripe, _ = w.ripe()
	assert.Len(t, ripe, 2, "else it would be too old to be told after a restart")
	w.rules.maxAge, w.st.Ahead = 0, make([]fingerprint, maxAhead)
	ripe, _ = w.ripe()
	assert.Len(t, ripe, 2, "no more is kept of what is told before others")
}

// TestTheDigestIsFallenBackTo while the month's pushes run short, which messages are counted among.
func TestTheDigestIsFallenBackTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.RobotSettings{})
	rules := w.rules(office)
	service, err := budget.OpenUsage(t.Context(), w.nc, budget.UsageOptions{Pushes: 10})
	require.NoError(t, err)
	q := new(quota)
	q.sent()
	assert.False(t, q.short(), "nothing is known yet")
	u, err := openUsage(t.Context(), w.nc, w.js)
	require.NoError(t, err)
	q.usage.Store(u)
	p := w.launch("one", rules, -1, false, func(worker *worker) { worker.quota = q })
	w.ready("office")
	w.join("m", "Ann")
	w.told(0)
	require.Eventually(t, func() bool { return u.Messages() == 1 }, patience, time.Millisecond)
	assert.False(t, q.short())
	for range 8 {
		service.Count(budget.Push)
	}
	require.NoError(t, service.Sync(t.Context()))
	require.NoError(t, u.Sync(t.Context()))
	require.True(t, q.short())
	w.join("m", "Bob")
	w.join("m", "Eve")
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "begins=true") }, patience, time.Millisecond)
	w.ended("m")
	w.told(0)
	assert.Len(t, w.said(0), 2)
	p.stop()
	assert.Equal(t, 2, u.Messages())
}

// TestADigestTellsEveryJoinOnce, whenever the process is killed, and whichever meeting ends first.
func TestADigestTellsEveryJoinOnce(t *testing.T) {
	t.Parallel()
	for seed := range 4 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewPCG(uint64(seed), 1))
			w := newWorld(t, simulator.RobotSettings{})
			rules := w.rules(strings.Replace(office, "SECsimulatedrobotsecret}", "SECsimulatedrobotsecret, digest: always}", 1))
			first := w.launch("first", rules, -1, false)
			w.ready("office")
			first.stop()
			for life := range 8 {
				meeting := fmt.Sprintf("m%d", rng.IntN(3))
				w.join(meeting, name(len(w.joined)))
				effects := rng.IntN(4)
				if rng.IntN(2) == 0 {
					w.ended(meeting)
				} else {
					effects = min(effects, 1) // only beats are to come, one in two seconds
				}
				p := w.launch(fmt.Sprint(life), rules, effects, rng.IntN(2) == 0)
				require.Eventually(t, func() bool { return p.died() }, patience, time.Millisecond)
				p.stop()
			}
			w.launch("last", rules, -1, false)
			for m := range 3 {
				w.ended(fmt.Sprintf("m%d", m))
			}
			w.told(0)
		})
	}
}
