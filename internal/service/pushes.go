package service

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/fleet/budget"
)

// pushes receive what DingTalk pushes, whichever way, and count it.
type pushes struct {
	receiver push.Receiver
	quota    *pushQuota
	webhook  http.Handler
	outcomes *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
}

// newPushes returns what receives pushes. It answers that a push is to be sent again until the gate
// is open.
func (s *service) newPushes() (*pushes, error) {
	labels := []string{"way", "outcome"}
	quota := &pushQuota{
		next: push.NewOnce(push.HandOver(&s.gate, s.hider()), 0), location: s.opts.Settings.DingTalk.Location(), now: time.Now,
		reporter: s.changes,
	}
	p := &pushes{
		receiver: quota, quota: quota,
		outcomes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "rollcall_pushes_total", Help: "Pushes received, by way and by what became of them.",
		}, labels),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "rollcall_push_seconds", Help: "From the arrival of a push to its answer.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5},
		}, labels[:1]),
	}
	window := s.opts.Settings.Pushes.WebhookWindow
	if window == 0 {
		window = -1 // the handler's own word for any time
	}
	opts := callback.Options{
		Receiver: p.receiver, Window: window, Logger: s.log, Oddities: s.odd,
		Observe: func(outcome callback.Outcome, took time.Duration) { p.observe("webhook", string(outcome), took) },
	}
	if keys := s.opts.Settings.Pushes; keys.WebhookEnabled() {
		cipher, err := callback.NewCipher(callback.Keys{
			Token: keys.WebhookToken.Reveal(), AESKey: keys.WebhookAESKey.Reveal(), OwnerKey: keys.WebhookOwnerKey,
		})
		if err != nil {
			return nil, &config.UsageError{Err: err}
		}
		opts.Cipher = cipher
	}
	p.webhook = callback.NewHandler(opts)
	return p, nil
}

func (p *pushes) observe(way, outcome string, took time.Duration) {
	p.outcomes.WithLabelValues(way, outcome).Inc()
	p.seconds.WithLabelValues(way).Observe(took.Seconds())
	// What is to come again is counted when it has; what no key has opened need not be DingTalk's.
	switch outcome {
	case string(callback.Stored), string(callback.Ignored):
		if !p.quota.said() {
			p.quota.usage.Load().Count(budget.Push)
		}
	}
}

// collectors are the metrics of pushes.
func (p *pushes) collectors() []prometheus.Collector {
	return []prometheus.Collector{p.outcomes, p.seconds}
}

// hider is what privacy makes of the people in pushes; nil when they are shown as they are.
func (s *service) hider() push.Hider {
	if p := s.pseudonyms(); p != nil {
		return p
	}
	return nil
}
