package service

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// calls is how many calls count against rate and quota.
func calls(sim *simulator.Simulator) uint64 {
	stats := sim.Stats().Classes
	return stats[fault.ClassMembers].Calls + stats[fault.ClassInfo].Calls + stats[fault.ClassOrg].Calls
}

// The month's calls are not exceeded, however often the service is started.
func TestTheMonthsCalls(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, many())
	s := external(settings(t, api), broker(t, nil).Addr().String())
	s.DingTalk.MonthlyCalls = 30 // which is less than it takes to begin with all of the offices
	watched := false
	for range 3 {
		r := start(t, s)
		r.eventually("/readyz", http.StatusOK, "") // it is degraded as soon as there are no calls
		if !watched {
			for i := range offices {
				status, _ := r.do(http.MethodPut, fmt.Sprintf("/v1/meetings/office%d", i), "")
				require.Equal(t, http.StatusCreated, status)
			}
			watched = true
		}
		r.eventually("/readyz?verbose", http.StatusOK, "quota_exhausted")
		require.NoError(t, r.stop())
		s.HTTP.Listen = freeAddress(t)
	}
	made := calls(sim)
	assert.LessOrEqual(t, made, uint64(30))
	assert.Greater(t, made, uint64(10), "most of them were made")
}

// Two replicas share the rate: together they make no more calls than one alone.
func TestTheRateIsShared(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	s := external(settings(t, api), broker(t, nil).Addr().String())
	s.DingTalk.Rate = 20
	s.Polling.DiscoveryInterval = time.Millisecond
	begun := time.Now()
	first := start(t, s)
	first.ready()
	status, _ := first.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	s.HTTP.Listen = freeAddress(t)
	second := start(t, s)
	second.ready()
	require.Eventually(t, func() bool { return calls(sim) > 60 }, patience, time.Millisecond)
	made, took := calls(sim), time.Since(begun)
	assert.LessOrEqual(t, float64(made), 20*took.Seconds()+1)
}
