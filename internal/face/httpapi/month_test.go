package httpapi

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheMonthInNumbers is answered to those with the token, once it is known.
func TestTheMonthInNumbers(t *testing.T) {
	var known *Month
	opts := Options{Access: withToken(t, "right"), Month: func() *Month { return known }}
	assert.Equal(t, http.StatusUnauthorized, request(t, opts, http.MethodGet, "/v1/month", "").StatusCode)
	opts.Access = withToken(t, "")
	assert.Equal(t, http.StatusServiceUnavailable, request(t, opts, http.MethodGet, "/v1/month", "").StatusCode)
	limit, left, until := 5000, 0, time.Date(2026, 12, 1, 0, 0, 0, 0, time.FixedZone("", 8*3600))
	known = &Month{
		Edition: "standard", Assumed: true, SecondsPerCall: 154.8,
		Calls:  Quota{Used: 5000, Limit: &limit, Left: &left, LastsUntil: &until, UsedUp: true},
		Pushes: Quota{Used: 7, RobotMessages: 2},
	}
	var got map[string]any
	require.NoError(t, json.NewDecoder(request(t, opts, http.MethodGet, "/v1/month", "").Body).Decode(&got))
	assert.Equal(t, map[string]any{
		"edition": "standard", "assumed": true, "byNumber": false, "unset": false, "secondsPerCall": 154.8,
		"calls": map[string]any{
			"used": 5000.0, "limit": 5000.0, "left": 0.0, "told": false, "lastsUntil": "2026-12-01T00:00:00+08:00", "runsOut": false, "usedUp": true,
		},
		"pushes": map[string]any{"used": 7.0, "told": false, "runsOut": false, "usedUp": false, "robotMessages": 2.0},
	}, got)
}
