package service

import (
	"net/http"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
)

// standard are settings in which nobody has set anything of the month.
func standard(s config.Settings) config.Settings {
	d := &s.DingTalk
	d.Edition, d.EditionAssumed, d.MonthlyCalls, d.MonthlyPushes = config.EditionStandard, true, config.QuotaOfEdition, config.QuotaOfEdition
	return s
}

// TestTheStandardEditionIsAssumed, and it is said what that means.
func TestTheStandardEditionIsAssumed(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	r := start(t, standard(external(settings(t, api), broker(t, nil).Addr().String())))
	r.ready()
	r.eventually("/readyz?verbose", http.StatusOK, "(the standard edition is assumed: 5000 calls and 3000 pushes a month; one call every 2m35s")
	assert.NotContains(t, r.eventually("/metrics", http.StatusOK, "rollcall_month_calls_left"), "rollcall_month_calls_left +Inf")
}

// TestAnOlderInstallationKeepsNoLimit until one is set, and is warned.
func TestAnOlderInstallationKeepsNoLimit(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	server := broker(t, nil).Addr().String()
	s := standard(external(settings(t, api), server))
	r := start(t, s)
	r.ready()
	require.NoError(t, r.stop())
	makeOlder(t, server)

	s.HTTP.Listen = freeAddress(t)
	r = start(t, s)
	r.ready()
	body := r.eventually("/readyz?verbose", http.StatusOK, "[!] edition: no limit of the month's calls is set")
	assert.Contains(t, body, "what to do: set dingtalk-edition")
	assert.True(t, strings.HasSuffix(body, "\nready\n"), "a warning makes nothing degraded: %s", body)
	r.eventually("/metrics", http.StatusOK, "rollcall_month_calls_left +Inf")
	require.NoError(t, r.stop())

	s.DingTalk.EditionAssumed = false // somebody has said so
	s.HTTP.Listen = freeAddress(t)
	r = start(t, s)
	r.ready()
	r.eventually("/readyz?verbose", http.StatusOK, "(the standard edition: 5000 calls")
	assert.NotContains(t, r.eventually("/metrics", http.StatusOK, "rollcall_month_calls_left"), "rollcall_month_calls_left +Inf")
}

// makeOlder leaves the stream as a version made it that knew no editions.
func makeOlder(t *testing.T, address string) {
	t.Helper()
	nc, err := nats.Connect(address)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	cfg := st.CachedInfo().Config
	cfg.Metadata = nil
	st, err = js.UpdateStream(t.Context(), cfg)
	require.NoError(t, err)
	assert.NotContains(t, st.CachedInfo().Config.Metadata, "rollcall_defaults")
}

func TestWhatAMonthMeans(t *testing.T) {
	t.Parallel()
	numbers := config.DingTalk{Edition: config.EditionStandard, MonthlyCalls: 1000, MonthlyPushes: config.QuotaOfEdition}
	pack := config.DingTalk{Edition: config.EditionPack, MonthlyCalls: config.QuotaOfEdition, MonthlyPushes: 0}
	assert.Contains(t, newPlan(numbers, false).String(), "by number: 1000 calls and 3000 pushes a month; one call every 12m54s")
	assert.Contains(t, newPlan(pack, false).String(), "the pack edition: 5000000 calls and no limit of pushes a month; people are seen within seconds")
	assert.Contains(t, newPlan(config.DingTalk{}, false).String(), "no limit of calls and no limit of pushes")
}
