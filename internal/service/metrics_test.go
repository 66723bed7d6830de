package service

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/poller"
)

func TestMetrics(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	f := figures{
		Counts: poller.Counts{
			Meetings: 1, Looks: 2, Failures: 3, Events: 4, UnknownStatus: 5, Uncertain: 6,
			NewestLook: time.UnixMilli(1_700_000_000_500), OldestLook: time.UnixMilli(1_600_000_000_000),
		},
		calls: api.Stats{Requests: 7, Retries: 8, TokenRequests: 9},
		ready: true, refusedConnections: 14, refusedReaders: 15, unrecordedReads: 25,
		expired: 22, overdue: 23 * time.Second, checkpointAge: 24 * time.Second,
		share: share{
			shards: 10, replicas: 11, perSecond: 12.5, messages: 21,
			callQuota: quota{limit: 14, used: 15, left: 13, lasts: 16}, pushQuota: quota{limit: 17, used: 18, left: 19, lasts: 20},
		},
	}
	register(registry, func() figures { return f })
	families, err := registry.Gather()
	require.NoError(t, err)
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			if family.GetName() == "rollcall_build_info" {
				continue
			}
			assert.Empty(t, m.GetLabel())
			got[family.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
		}
	}
	assert.Equal(t, map[string]float64{
		"rollcall_watched_meetings": 1, "rollcall_looks_total": 2, "rollcall_look_failures_total": 3,
		"rollcall_http_connections_refused_total": 14, "rollcall_event_readers_refused_total": 15,
		"rollcall_events_stored_total": 4, "rollcall_unknown_status_total": 5, "rollcall_uncertain_lists_total": 6,
		"rollcall_dingtalk_requests_total": 7, "rollcall_dingtalk_retries_total": 8, "rollcall_dingtalk_token_requests_total": 9,
		"rollcall_shards": 10, "rollcall_replicas": 11, "rollcall_calls_per_second": 12.5, "rollcall_month_calls_left": 13,
		"rollcall_month_calls_limit": 14, "rollcall_month_calls_used": 15, "rollcall_month_calls_last_until_timestamp_seconds": 16,
		"rollcall_month_pushes_limit": 17, "rollcall_month_pushes_used": 18, "rollcall_month_pushes_left": 19,
		"rollcall_month_pushes_last_until_timestamp_seconds": 20, "rollcall_month_robot_messages": 21,
		"rollcall_expired_meetings_total": 22, "rollcall_expiry_overdue_seconds": 23, "rollcall_checkpoint_age_seconds": 24, "rollcall_access_events_lost_total": 25,
		"rollcall_ready": 1, "rollcall_newest_look_timestamp_seconds": 1_700_000_000.5,
		"rollcall_oldest_look_timestamp_seconds": 1_600_000_000,
	}, got)
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
}

func TestMetricsOfNothing(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewPedanticRegistry()
	register(registry, func() figures { return figures{} })
	assert.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rollcall_newest_look_timestamp_seconds When a look at any watched meeting last succeeded, in Unix time; 0 when none did.
# TYPE rollcall_newest_look_timestamp_seconds gauge
rollcall_newest_look_timestamp_seconds 0
`), "rollcall_newest_look_timestamp_seconds"))
}

func TestMetricsOfAService(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	r := start(t, settings(t, api))
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	body := r.eventually("/metrics", http.StatusOK, "rollcall_newest_look_timestamp_seconds 1.")
	for _, want := range []string{"rollcall_ready 1", "rollcall_build_info{version=", "go_goroutines", "rollcall_watched_meetings 1"} {
		assert.Contains(t, body, want)
	}
	assert.NotContains(t, body, "rollcall_events_stored_total 0\n")
	assert.NotContains(t, body, "office")
}
