package service

import (
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/poller"
)

func keys() config.Pushes {
	return config.Pushes{
		WebhookToken: "t0ken", WebhookAESKey: "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", WebhookOwnerKey: "owner",
	}
}

func TestPushesBeforeThereIsAPoller(t *testing.T) {
	t.Parallel()
	err := new(gate).Notice(t.Context(), poller.Notice{ConferenceID: "m"})
	require.ErrorIs(t, err, push.ErrAway, "nobody has to be warned")
	assert.ErrorContains(t, err, "not connected")
}

func TestMetricsOfPushes(t *testing.T) {
	t.Parallel()
	s := &service{opts: Options{Settings: config.Settings{Pushes: keys()}}}
	p, err := s.newPushes()
	require.NoError(t, err)
	p.observe("webhook", "stored", 20*time.Millisecond)
	p.observe("webhook", "stored", 2*time.Second)
	p.observe("stream", "malformed", time.Millisecond)
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(p.collectors()...)
	require.NoError(t, testutil.GatherAndCompare(registry, strings.NewReader(`
# HELP rollcall_pushes_total Pushes received, by way and by what became of them.
# TYPE rollcall_pushes_total counter
rollcall_pushes_total{outcome="malformed",way="stream"} 1
rollcall_pushes_total{outcome="stored",way="webhook"} 2
`), "rollcall_pushes_total"))
	problems, err := testutil.GatherAndLint(registry)
	require.NoError(t, err)
	assert.Empty(t, problems)
	assert.Equal(t, 2, testutil.CollectAndCount(p.seconds), "one for each way")
}

func TestCallbackKeysThatCannotWork(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*config.Pushes){
		"short AES key": func(p *config.Pushes) { p.WebhookAESKey = "sh0rt-secret" },
		"no base64":     func(p *config.Pushes) { p.WebhookAESKey = config.Secret(strings.Repeat("%", 43)) },
		"no owner":      func(p *config.Pushes) { p.WebhookOwnerKey = "" },
		"no AES key":    func(p *config.Pushes) { p.WebhookAESKey = "" },
	} {
		t.Run(name, func(t *testing.T) {
			s := &service{opts: Options{Settings: config.Settings{Pushes: keys()}}}
			change(&s.opts.Settings.Pushes)
			_, err := s.newPushes()
			var usage *config.UsageError
			require.ErrorAs(t, err, &usage)
			assert.NotContains(t, err.Error(), "sh0rt-secret")
			assert.NotContains(t, err.Error(), "%%%")
			assert.NotContains(t, err.Error(), "t0ken")
		})
	}
}
