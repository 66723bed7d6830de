package budget

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// usageAt opens what is counted in a world.
func usageAt(t *testing.T, w *world, url string, pushes int) *Usage {
	t.Helper()
	u, err := OpenUsage(t.Context(), connect(t, url), UsageOptions{Pushes: pushes, Now: w.time})
	require.NoError(t, err)
	return u
}

func count3(u *Usage, pushes, messages, calls int) {
	for k, n := range map[Kind]int{Push: pushes, Message: messages, Call: calls} {
		for range n {
			u.Count(k)
		}
	}
}

// TestWhatIsUsedIsSharedByAll, over restarts, and another program learns of the limit.
func TestWhatIsUsedIsSharedByAll(t *testing.T) {
	w, url := at(t, "2026-11-10 10:00"), startServer(t)
	one, two := usageAt(t, w, url, 3000), usageAt(t, w, url, 3000)
	bot := usageAt(t, w, url, -1)
	count3(one, 5, 0, 7)
	assert.Equal(t, 5, one.Pushes().Used, "what is not stored yet counts here")
	count3(two, 3, 0, 1)
	count3(bot, 0, 2, 0)
	for range 2 {
		for _, u := range []*Usage{one, two, bot} {
			require.NoError(t, u.Sync(t.Context()))
		}
	}
	for _, u := range []*Usage{one, two, bot, usageAt(t, w, url, -1)} {
		s := u.Pushes()
		assert.Equal(t, []int{3000, 10, 2990}, []int{s.Limit, s.Used, s.Left})
		assert.Equal(t, 2, u.Messages())
		assert.Equal(t, Standing{Used: 8, Lasts: s.End, End: s.End}, u.Calls(State{}))
	}
	w.pass(30 * 24 * time.Hour)
	require.NoError(t, one.Sync(t.Context()))
	assert.Zero(t, one.Pushes().Used, "another month")
	assert.Equal(t, 3000, one.Pushes().Limit)
}

// TestWhatUpstreamSaysIsTheLimit, of this month until there is a push again, and of the next as
// long as it fits.
func TestWhatUpstreamSaysIsTheLimit(t *testing.T) {
	w, url := at(t, "2026-11-10 10:00"), startServer(t)
	u := usageAt(t, w, url, 3000)
	count3(u, 40, 0, 0)
	require.NoError(t, u.Sync(t.Context()))
	u.Exhausted()
	require.NoError(t, u.Sync(t.Context()))
	s := usageAt(t, w, url, 3000).Pushes()
	assert.Equal(t, []int{40, 40, 0}, []int{s.Limit, s.Used, s.Left})
	assert.True(t, s.Told)
	assert.True(t, s.RunsOut())

	w.pass(30 * 24 * time.Hour)
	require.NoError(t, u.Sync(t.Context()))
	count3(u, 39, 0, 0)
	assert.Equal(t, 40, u.Pushes().Limit)
	u.Count(Push)
	assert.Equal(t, 3000, u.Pushes().Limit, "it is not so any more")

	u.Exhausted()
	require.NoError(t, u.Sync(t.Context()))
	u.Exhausted()
	require.NoError(t, u.Sync(t.Context()))
	u.Count(Push)
	require.NoError(t, u.Sync(t.Context()))
	assert.Equal(t, 3000, u.Pushes().Limit, "more were bought")
}

// TestCallsThatUpstreamRefusesAreTheLimit while it counts.
func TestCallsThatUpstreamRefusesAreTheLimit(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 50})
	for range 20 {
		require.NoError(t, m.Take(t.Context(), LastLook))
	}
	m.Observe(upstreamExhausted())
	require.NoError(t, m.storeUntil(t.Context()))
	require.NoError(t, m.refresh(t.Context()))
	s := m.State()
	assert.Equal(t, []int{20, 0}, []int{s.Limit, s.Left})
	assert.True(t, s.Told)
	w.pass(upstreamHold)
	require.NoError(t, m.Take(t.Context(), LastLook), "it is tried again")
	m.Observe(upstreamExhausted())
	require.NoError(t, m.storeUntil(t.Context()))
	require.NoError(t, m.refresh(t.Context()))
	assert.Equal(t, 20, m.State().Limit, "trying buys nothing")
	w.pass(upstreamHold)
	require.NoError(t, m.refresh(t.Context()))
	assert.Equal(t, 50, m.State().Limit)
}

// TestMonthsBeginForAllWhereTheServiceSays: a bot's messages draw on the pushes of the service's month.
func TestMonthsBeginForAllWhereTheServiceSays(t *testing.T) {
	w, url := at(t, "2026-12-01 03:00"), startServer(t) // in New York it is November yet
	bot := usageAt(t, w, url, -1)
	newYork, err := time.LoadLocation("America/New_York")
	require.NoError(t, err)
	service, err := OpenUsage(t.Context(), connect(t, url), UsageOptions{Pushes: 3000, Location: newYork, Now: w.time})
	require.NoError(t, err)
	require.NoError(t, bot.Sync(t.Context()))
	for _, u := range []*Usage{bot, usageAt(t, w, url, -1)} {
		u.Count(Message)
		require.NoError(t, u.Sync(t.Context()))
		assert.Equal(t, 3000, u.Pushes().Limit)
	}
	require.NoError(t, service.Sync(t.Context()))
	assert.Equal(t, 2, service.Messages())
}

// TestCallsWithoutALimitEndWhereUpstreamSays, for all replicas and over restarts, while that counts.
func TestCallsWithoutALimitEndWhereUpstreamSays(t *testing.T) {
	w, url := at(t, "2026-11-10 10:00"), startServer(t)
	replica := func() (*Month, *Usage, *Limiter) {
		m, err := OpenMonth(t.Context(), nil, MonthOptions{Now: w.time})
		require.NoError(t, err)
		u, err := OpenUsage(t.Context(), connect(t, url), UsageOptions{Now: w.time, Refused: m.Heed})
		require.NoError(t, err)
		return m, u, NewLimiter(LimiterOptions{Month: m, Usage: u})
	}
	_, one, limiter := replica()
	other, two, _ := replica()
	count3(one, 0, 0, 12)
	limiter.Observe(upstreamExhausted())
	require.NoError(t, one.Sync(t.Context()))
	require.NoError(t, two.Sync(t.Context()))
	third, three, _ := replica()
	for _, m := range []*Month{other, third} {
		require.ErrorIs(t, m.Take(t.Context(), LastLook), ErrSpent)
		require.ErrorIs(t, m.State().Err, ErrSpent)
	}
	for _, u := range []*Usage{one, two, three} {
		s := u.Calls(State{})
		assert.Equal(t, []int{12, 12, 0}, []int{s.Limit, s.Used, s.Left})
		assert.True(t, s.Told)
		assert.True(t, s.RunsOut())
	}

	w.pass(upstreamHold)
	count3(one, 0, 0, 1)
	assert.Zero(t, one.Calls(State{}).Limit, "it is tried again")
	limiter.Observe(upstreamExhausted())
	require.NoError(t, one.Sync(t.Context()))
	assert.Equal(t, 12, one.Calls(State{}).Limit, "trying buys nothing")
	w.pass(30 * 24 * time.Hour)
	require.NoError(t, one.Sync(t.Context()))
	assert.Zero(t, one.Calls(State{}).Limit, "another month")
	require.NoError(t, third.Take(t.Context(), Look))
}

func TestUntilWhenItLasts(t *testing.T) {
	office := new(habits).weigh()
	begin, end := chinaTime(t, "2026-11-01 00:00"), chinaTime(t, "2026-12-01 00:00")
	for name, c := range map[string]struct {
		used, left int
		begun, now string
		want       time.Time
	}{
		"nothing used":             {0, 100, "2026-11-01 00:00", "2026-11-20 12:00", end},
		"too early to tell":        {50, 1, "2026-11-02 09:00", "2026-11-02 09:30", end},
		"enough":                   {10, 100, "2026-11-01 00:00", "2026-11-16 00:00", end},
		"gone in an hour":          {9, 1, "2026-11-10 09:00", "2026-11-10 14:24", chinaTime(t, "2026-11-10 15:00")},
		"gone on the next morning": {90, 15, "2026-11-10 09:00", "2026-11-10 18:00", chinaTime(t, "2026-11-11 09:45")},
		"a month's old beginning":  {90, 15, "2026-09-10 09:00", "2026-11-02 18:00", chinaTime(t, "2026-11-03 10:15")},
	} {
		got := lasts(&office, c.used, c.left, chinaTime(t, c.begun), chinaTime(t, c.now))
		assert.WithinDuration(t, c.want, got, 20*time.Minute, name)
	}
	assert.InDelta(t, 21*9+(720-21*9)*quietWeight, weightOf(&office, begin, end), 1e-6)
}

// TestPushesTell, but for when their count is near the month's, or upstream says that they are used
// up.
func TestPushesTell(t *testing.T) {
	w, url := at(t, "2026-11-10 10:00"), startServer(t)
	u, unlimited := usageAt(t, w, url, 3000), usageAt(t, w, startServer(t), 0)
	used := 0
	for _, step := range []struct {
		used  int
		tells bool
	}{{0, true}, {2849, true}, {2850, false}, {3000, false}, {3150, false}, {3151, true}} {
		count3(u, step.used-used, 0, 0)
		count3(unlimited, step.used-used, 0, 0)
		used = step.used
		assert.Equal(t, step.tells, u.PushesTell(), "%d", used)
		assert.True(t, unlimited.PushesTell())
	}
	u.Exhausted()
	assert.False(t, u.PushesTell())
	require.NoError(t, u.Sync(t.Context()))
	require.NoError(t, u.Sync(t.Context()))
	assert.False(t, u.PushesTell())
	w.pass(30 * 24 * time.Hour)
	require.NoError(t, u.Sync(t.Context()))
	assert.True(t, u.PushesTell(), "another month")
}
