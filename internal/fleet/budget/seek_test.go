package budget

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

// listed lists the meetings and returns how long it is until they may be listed again.
func listed(t *testing.T, w *world, m *Month) time.Duration {
	t.Helper()
	require.NoError(t, m.Take(t.Context(), Discovery))
	w.pass(listRound + time.Second)
	return m.UntilList() + listRound + 2*time.Second
}

// begin has meetings begin, of which pushes told or not.
func begin(w *world, m *Month, n int, told bool) {
	for range n {
		m.Began(w.time().Add(-time.Hour), told)
	}
}

func TestOneListAfterTheOther(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:00")
	o := MonthOptions{Limit: 5000}
	m, other := w.open(t, connect(t, url), o), w.open(t, connect(t, url), o)
	for range 3 { // the pages of one list
		require.NoError(t, m.Take(t.Context(), Discovery))
		w.pass(time.Second)
	}
	assert.Zero(t, m.UntilList(), "the list that has begun goes on")
	w.pass(listRound)
	wait := m.UntilList()
	assert.Greater(t, wait, 10*time.Minute, "for three calls")
	for _, m := range []*Month{m, other} {
		require.NoError(t, m.refresh(t.Context()))
		err := m.Take(t.Context(), Discovery)
		require.ErrorIs(t, err, ErrSpent)
		assert.Equal(t, poller.Exhausted, sourceError(t, err).Trouble)
		require.NoError(t, m.Take(t.Context(), Look), "looks go on")
	}
	require.NoError(t, other.refresh(t.Context()))
	assert.InDelta(t, wait, other.UntilList(), float64(time.Second))
	w.pass(wait + time.Second)
	require.NoError(t, other.refresh(t.Context()))
	assert.Zero(t, other.UntilList())
	require.NoError(t, other.Take(t.Context(), Discovery))
	assert.NoError(t, m.State().Err)
}

// TestAListBeforeOfficeHoursIsFollowedByOneInThem has discovery rest long at night, and for that no
// longer by day.
func TestAListBeforeOfficeHoursIsFollowedByOneInThem(t *testing.T) {
	for _, clock := range []string{"07:30", "08:35", "08:59"} {
		w := at(t, "2026-11-10 "+clock)
		m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 5000})
		begin(w, m, 1, false)
		next := w.time().Add(listed(t, w, m))
		assert.True(t, next.Before(chinaTime(t, "2026-11-10 09:08")), "a list at %s puts the next to %v", clock, next)
	}
}

func TestListsAreNeverFurtherApartThanADay(t *testing.T) {
	w := at(t, "2026-11-10 10:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 1})
	require.NoError(t, m.Take(t.Context(), LastLook))
	m.known.Listed = w.time().UnixMilli()
	w.pass(listRound + time.Second)
	assert.Equal(t, 24*time.Hour, m.UntilList()+listRound+time.Second)
}

// TestPushesSpareLists has pushes tell of meetings, and then not.
func TestPushesSpareLists(t *testing.T) {
	w := at(t, "2026-11-10 10:05")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 5000})
	begin(w, m, 1, false)
	alone := listed(t, w, m)
	assert.Less(t, alone, 7*time.Minute)
	begin(w, m, 8, true)
	next := func() time.Time { return w.time().Add(m.UntilList()) }
	begun := chinaTime(t, "2026-11-10 10:32").Add(30 * time.Second)
	assert.WithinDuration(t, begun, next(), 3*time.Second, "half an hour later, when meetings have begun")
	w.pass(25 * time.Minute)
	m.Pushed()
	assert.WithinDuration(t, begun.Add(halfHour), next(), 3*time.Second, "a push is as good as a list")
	begin(w, m, 2, false)
	assert.Zero(t, m.UntilList(), "pushes have stopped")
	m.Began(w.time(), false)
	assert.InDelta(t, (1-lastStart)*(1-lastStart), m.tallied(w.time()).Announced, 0.01, "of one that has just begun the push may be on its way")
}

func TestNearestBegun(t *testing.T) {
	for _, zone := range []int{8 * 3600, 5*3600 + 45*60} {
		day := time.Date(2026, time.November, 10, 10, 0, 0, 0, time.FixedZone("", zone))
		for after, want := range map[string]string{
			"0s": "2m30s", "17m": "2m30s", "18m": "32m30s", "47m": "32m30s", "48m": "1h2m30s", "59m": "1h2m30s",
		} {
			d, err := time.ParseDuration(after)
			require.NoError(t, err)
			assert.Equal(t, want, nearestBegun(day.Add(d)).Sub(day).String(), after)
		}
	}
}

// TestPushesThatRunOutSpareNoLists, and do again when there are some.
func TestPushesThatRunOutSpareNoLists(t *testing.T) {
	w, gone := at(t, "2026-11-10 10:05"), false
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 5000, Telling: func() bool { return !gone }})
	begin(w, m, 8, true)
	assert.Greater(t, listed(t, w, m), 20*time.Minute)
	gone = true
	assert.Less(t, m.UntilList(), 7*time.Minute)
	m.Pushed()
	assert.Less(t, m.UntilList(), 7*time.Minute)
	gone = false
	assert.Greater(t, m.UntilList(), 20*time.Minute)
}

// TestNobodyMeets has discovery rest longer and longer until somebody does.
func TestNobodyMeets(t *testing.T) {
	w := at(t, "2026-11-02 09:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 5000})
	lists, first := 0, time.Duration(0)
	for w.time().Before(chinaTime(t, "2026-11-27 18:00")) {
		require.NoError(t, m.refresh(t.Context()))
		wait := listed(t, w, m)
		if lists++; lists == 1 {
			first = wait
		}
		w.pass(wait - listRound - time.Second)
	}
	assert.Less(t, lists, 300)
	assert.Less(t, first, 8*time.Minute)
	begin(w, m, 1, false)
	require.NoError(t, m.refresh(t.Context()))
	assert.Zero(t, m.UntilList())
}

// TestWhatIsKnownOfMeetingsIsShared has one replica hear of pushes, and the other list the
// meetings, into the next month.
func TestWhatIsKnownOfMeetingsIsShared(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-30 10:00")
	o := MonthOptions{Limit: 5000}
	m, other := w.open(t, connect(t, url), o), w.open(t, connect(t, url), o)
	begin(w, m, 6, true)
	m.Pushed()
	m.Held(3.5)
	for range 2 { // what was stored is not stored again
		require.NoError(t, m.storeNews(t.Context()))
	}
	require.NoError(t, other.refresh(t.Context()))
	got := other.tallied(w.time())
	assert.Equal(t, 6.0, got.Begun)
	assert.InDelta(t, 3.5, got.Held, 1e-9)
	assert.Greater(t, got.Announced, 0.95)
	assert.Equal(t, w.time().UnixMilli(), got.Pushed)
	w.pass(20 * time.Hour)
	require.NoError(t, other.refresh(t.Context()))
	require.NoError(t, other.Take(t.Context(), Discovery))
	assert.Greater(t, other.tallied(w.time()).Announced, 0.95)
	assert.Zero(t, other.tallied(w.time()).Begun)
	assert.Equal(t, 6.0, other.before.Begun)
}

// TestPerMeeting has the calls that are left last for the meetings that are to be expected.
func TestPerMeeting(t *testing.T) {
	w := at(t, "2026-11-16 12:00")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 5000})
	set := func(drawn int, held, begun float64) float64 {
		require.NoError(t, m.store.change(context.Background(), "2026-11", func(c *count) bool {
			c.Drawn, c.tally = drawn, tally{Held: held, Begun: begun}
			return true
		}))
		require.NoError(t, m.refresh(t.Context()))
		w.pass(shareAge)
		return m.PerMeeting() * 3600
	}
	half := set(2500, 180, 220)
	assert.InDelta(t, 7, half, 3, "discovery takes half, and each end two calls")
	assert.Greater(t, set(2500, 90, 110), 1.8*half, "fewer meetings")
	assert.Less(t, set(4000, 180, 220), half/2, "fewer calls left")
	assert.Less(t, set(100, 180, 220), 28.0, "what was saved is not spent in a rush")
	assert.Zero(t, set(4990, 180, 220))
}
