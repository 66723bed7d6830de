package budget

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestListsFollowTheHalfHoursAtWhichMeetingsBegin has meetings begin at ten and at two on working
// days, and pushes tell of them.
func TestListsFollowTheHalfHoursAtWhichMeetingsBegin(t *testing.T) {
	var learned starts
	for range 30 {
		learned.begin(chinaTime(t, "2026-11-10 09:58"))
		learned.begin(chinaTime(t, "2026-11-10 14:01"))
	}
	for _, test := range []struct {
		name                 string
		known                starts
		listed, pushed, next string
	}{
		{"unknown", starts{}, "10 10:02", "10 09:20", "10 10:32"},
		{"a push", starts{}, "10 09:32", "10 10:05", "10 10:32"},
		{"a push just before", starts{}, "10 09:32", "10 09:55", "10 10:32"},
		{"a list just before", starts{}, "10 09:55", "10 07:20", "10 10:32"},
		{"a list out of turn", starts{}, "10 09:46", "10 08:30", "10 10:02"},
		{"the evening", starts{}, "10 17:33", "10 17:31", "11 09:02"},
		{"the weekend", starts{}, "13 17:33", "13 17:31", "14 09:02"},
		{"learned", learned, "10 10:03", "10 10:03", "10 11:32"},
		{"learned, at noon", learned, "10 12:33", "10 12:33", "10 14:02"},
	} {
		got := test.known.next(chinaTime(t, "2026-11-"+test.listed), chinaTime(t, "2026-11-"+test.pushed), worthList)
		assert.Equal(t, test.next, got.Format("02 15:04"), test.name)
	}
}

// TestASilentMorningIsListedMoreOften has no push come since the day before.
func TestASilentMorningIsListedMoreOften(t *testing.T) {
	var learned starts
	for range 30 {
		learned.begin(chinaTime(t, "2026-11-10 09:58"))
	}
	for range 10 {
		learned.begin(chinaTime(t, "2026-11-10 10:58"))
	}
	lists := func(pushed string) (n int) {
		at := chinaTime(t, "2026-11-10 09:02")
		for end := chinaTime(t, "2026-11-10 12:00"); at.Before(end); n++ {
			at = learned.next(at, chinaTime(t, pushed), worthList)
		}
		return n
	}
	assert.Greater(t, lists("2026-11-09 17:00"), lists("2026-11-10 09:02"))
}

func TestStartsFade(t *testing.T) {
	var learned starts
	for range 3 * startsKept {
		learned.add(starts{{20: 1}})
	}
	for range 3 * startsKept {
		learned.add(starts{{30: 1}})
	}
	assert.Less(t, learned[0][20], 0.2*startsKept)
	sum := 0.0
	for _, n := range learned[0] {
		sum += n
	}
	assert.InDelta(t, startsKept, sum, 1)
}

// TestStartsAreLearnedTogether has one replica see a meeting begin, and the other know.
func TestStartsAreLearnedTogether(t *testing.T) {
	url := startServer(t)
	w := at(t, "2026-11-10 10:10")
	o := MonthOptions{Limit: 5000}
	m, other := w.open(t, connect(t, url), o), w.open(t, connect(t, url), o)
	m.Began(chinaTime(t, "2026-11-10 09:59"), false)
	m.Began(time.Time{}, true) // now
	for range 2 {              // what was stored is not stored again
		require.NoError(t, m.storeDemand(t.Context()))
	}
	require.NoError(t, other.storeDemand(t.Context()))
	assert.Equal(t, starts{{20: 1, 21: 1}}, other.hours.starts)
}

// TestMissedChangesBringListsSooner has lists of meetings show what pushes should have told.
func TestMissedChangesBringListsSooner(t *testing.T) {
	w := at(t, "2026-11-10 10:05")
	m := w.open(t, connect(t, startServer(t)), MonthOptions{Limit: 5000})
	begin(w, m, 8, true)
	assert.Greater(t, listed(t, w, m), 20*time.Minute)
	m.Missed()
	assert.Less(t, m.UntilList(), 10*time.Minute)
}
