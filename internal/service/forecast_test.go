package service

import (
	"net/http"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/fleet/budget"
)

func TestTheForecastInWords(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)
	some := budget.Standing{Limit: 5000, Used: 1204, Left: 3796, Lasts: end, End: end}
	assert.Equal(t, "used 1204 of 5000, 3796 left, lasts until 2026-12-01", forecast(some))
	assert.Empty(t, runsOut(some))
	some.Lasts = end.AddDate(0, 0, -15)
	assert.Equal(t, "at this pace gone on the 16th", runsOut(some))
	assert.Equal(t, "used up", runsOut(budget.Standing{Limit: 9, Used: 9, Lasts: end.AddDate(0, 0, -15), End: end}))
	assert.Equal(t, "used 7, no limit", forecast(budget.Standing{Used: 7}))
	assert.Equal(t, "used 9 of 9 as DingTalk says, 0 left, lasts until 2026-12-01",
		forecast(budget.Standing{Limit: 9, Used: 9, Told: true, Lasts: end, End: end}))
	for day, want := range map[int]string{1: "1st", 2: "2nd", 3: "3rd", 4: "4th", 11: "11th", 12: "12th", 13: "13th", 21: "21st", 22: "22nd", 23: "23rd", 30: "30th"} {
		assert.Equal(t, want, ordinal(day))
	}
}

// TestCallsAndPushesOfTheMonthAreCounted by all replicas together, and what they come to is shown.
func TestCallsAndPushesOfTheMonthAreCounted(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	server := broker(t, nil).Addr().String()
	s := external(settings(t, api), server)
	s.DingTalk.MonthlyCalls, s.DingTalk.MonthlyPushes, s.Pushes = 1000, 300, keys()
	first := start(t, s)
	first.ready()
	require.Equal(t, http.StatusOK, first.pushes("person1", "Ann", time.Now().UnixMilli()))
	require.Equal(t, http.StatusOK, first.pushes("person2", "Ann", time.Now().UnixMilli()))
	first.eventually("/readyz?verbose", http.StatusOK, "used 2 of 300, 298 left, lasts until")
	assert.Regexp(t, `month's calls ok.* \(used \d+ of 1000, \d+ left, lasts until \d{4}-\d\d-01\)`, first.eventually("/readyz?verbose", http.StatusOK, "month's calls ok"))
	first.eventually("/metrics", http.StatusOK, "rollcall_month_pushes_used 2\n")
	require.NoError(t, first.stop())

	s.HTTP.Listen, s.DingTalk.MonthlyCalls = freeAddress(t), 0
	second := start(t, s)
	second.ready()
	require.Equal(t, http.StatusOK, second.pushes("person3", "Ann", time.Now().UnixMilli()))
	second.eventually("/readyz?verbose", http.StatusOK, "used 3 of 300, 297 left")
	used := regexp.MustCompile(`month's calls ok.* \(used [1-9]\d*, no limit\)`)
	require.Eventually(t, func() bool {
		_, body := second.do(http.MethodGet, "/readyz?verbose", "")
		return used.MatchString(body)
	}, patience, 20*time.Millisecond, "calls without a limit are counted, too")
}
