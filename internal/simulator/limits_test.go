package simulator

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/simulator/fault"
)

func TestCallsPerSecond(t *testing.T) {
	s, clock := play(t, `{settings: {callsPerSecond: 3}, meetings: [{id: m}]}`)
	r := serve(t, s)
	for range 3 {
		r.get(members).into(new(memberPage))
	}
	r.get(members).fails(403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi")
	assert.Equal(t, 200, r.get("/v1.0/conference/videoConferences/m").status, "each API has its own limit")
	clock.at(999 * time.Millisecond)
	r.get(members).fails(403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi")
	clock.at(time.Second)
	for range 3 {
		r.get(members).into(new(memberPage))
	}
	for range 5 {
		assert.Equal(t, 400, r.post("/v1.0/oauth2/accessToken", nil).status, "calls for a token are not limited")
	}
	stats := s.Stats()
	assert.Equal(t, CallStats{Calls: 8, MaxPerSecond: 5, Throttled: 2, Statuses: map[int]uint64{200: 6, 403: 2}}, stats.Classes[fault.ClassMembers])
	assert.Equal(t, 7, stats.MonthCalls, "what is rejected for its rate does not count, nor do calls for a token")
	assert.Equal(t, uint64(15), stats.Total.Calls)
}

func TestMonthlyCalls(t *testing.T) {
	s, clock := play(t, `{settings: {monthlyCalls: 4, tokenLife: 10000h}, meetings: [{id: m}]}`)
	r := serve(t, s)
	for range 4 {
		r.get(members).into(new(memberPage))
	}
	r.get(members).fails(403, "Forbidden.AccessDenied.ApiCountLimitForOrg")
	// The epoch is 2023-11-15 06:13 in Beijing; December begins there on 2023-11-30 16:00 UTC.
	december := time.Date(2023, 11, 30, 16, 0, 0, 0, time.UTC).Sub(time.UnixMilli(epoch))
	clock.at(december - time.Millisecond)
	r.get(members).fails(403, "Forbidden.AccessDenied.ApiCountLimitForOrg")
	clock.at(december)
	r.get(members).into(new(memberPage))
	stats := s.Stats()
	assert.Equal(t, "2023-12", stats.Month)
	assert.Equal(t, []int{1, 4}, []int{stats.MonthCalls, stats.MonthLimit})
	assert.Equal(t, uint64(2), stats.Classes[fault.ClassMembers].Throttled)
}

func TestWindow(t *testing.T) {
	var w window
	at := time.UnixMilli(epoch)
	for i := range 10_000 {
		now := at.Add(time.Duration(i) * time.Millisecond)
		n := w.count(now)
		assert.Equal(t, min(i, 999), n)
		w.add(now)
	}
	assert.Less(t, len(w.times), 5000, "what is past is forgotten")
	assert.Zero(t, w.count(at.Add(time.Hour)))
}
