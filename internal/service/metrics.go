package service

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/c4342123/rollcall/internal/base/version"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/poller"
)

// figures are what there is to count at one moment.
type figures struct {
	poller.Counts
	calls api.Stats
	ready bool
	// refusedConnections and refusedReaders are those of HTTP.
	refusedConnections, refusedReaders uint64
	// expired is how many meetings were removed, and overdue for how long one has been due that is not.
	expired uint64
	overdue time.Duration
	// checkpointAge is for how long the newest checkpoint has been signed.
	checkpointAge time.Duration
	// unrecordedReads is how many reads have no event, where they should.
	unrecordedReads uint64
	share
}

// share is this replica's part of what all of them share.
type share struct {
	shards, replicas     int
	perSecond            float64
	callQuota, pushQuota quota // of the month
	messages             float64
}

// metric is one figure as it is exposed. None has a label with an id: their number does not grow
// with the meetings.
type metric struct {
	name, help string
	kind       prometheus.ValueType
	value      func(figures) float64
}

var metrics = []metric{
	{
		"dingtalk_requests_total", "API calls, repeated ones included: what counts against rate and quota.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.calls.Requests) },
	},
	{
		"dingtalk_retries_total", "Quick repetitions of calls.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.calls.Retries) },
	},
	{
		"dingtalk_token_requests_total", "Calls for an access token.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.calls.TokenRequests) },
	},
	{
		"looks_total", "Looks at meetings.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.Looks) },
	},
	{
		"look_failures_total", "Looks that did not find out what they were to.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.Failures) },
	},
	{
		"events_stored_total", "Events that looks found and stored.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.Events) },
	},
	{
		"unknown_status_total", "Rows seen with an attendStatus that is not documented.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.UnknownStatus) },
	},
	{
		"uncertain_lists_total", "Member lists that may lack somebody: they moved while they were read, or differ from totalCount.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.Uncertain) },
	},
	{
		"shards", "Shards of the meetings that this replica looks at, of 64.",
		prometheus.GaugeValue, func(f figures) float64 { return float64(f.shards) },
	},
	{
		"replicas", "Live replicas that this one knows of, itself included.",
		prometheus.GaugeValue, func(f figures) float64 { return float64(f.replicas) },
	},
	{
		"calls_per_second", "This replica's share of the call rate at present.",
		prometheus.GaugeValue, func(f figures) float64 { return f.perSecond },
	},
	{
		"month_calls_left", "Calls that are left of the month's, for all replicas; +Inf without a limit.",
		prometheus.GaugeValue, func(f figures) float64 { return f.callQuota.left },
	},
	{
		"month_calls_limit", "Calls that the month has, for all replicas, as set or as DingTalk says; +Inf without a limit.",
		prometheus.GaugeValue, func(f figures) float64 { return f.callQuota.limit },
	},
	{
		"month_calls_used", "Calls that were made this month, by all replicas.",
		prometheus.GaugeValue, func(f figures) float64 { return f.callQuota.used },
	},
	{
		"month_calls_last_until_timestamp_seconds", "Until when the month's calls last if they are used as before, in Unix time; " +
			"the end of the month at most.",
		prometheus.GaugeValue, func(f figures) float64 { return f.callQuota.lasts },
	},
	{
		"month_pushes_limit", "Pushes that the month has, messages of robots included, as set or as DingTalk says; +Inf without a limit.",
		prometheus.GaugeValue, func(f figures) float64 { return f.pushQuota.limit },
	},
	{
		"month_pushes_used", "Pushes received this month, by all replicas, and messages of robots.",
		prometheus.GaugeValue, func(f figures) float64 { return f.pushQuota.used },
	},
	{
		"month_pushes_left", "Pushes that are left of the month's; +Inf without a limit.",
		prometheus.GaugeValue, func(f figures) float64 { return f.pushQuota.left },
	},
	{
		"month_pushes_last_until_timestamp_seconds", "Until when the month's pushes last if they are used as before, in Unix time; " +
			"the end of the month at most.",
		prometheus.GaugeValue, func(f figures) float64 { return f.pushQuota.lasts },
	},
	{
		"month_robot_messages", "Messages of group robots this month, which count as pushes.",
		prometheus.GaugeValue, func(f figures) float64 { return f.messages },
	},
	{
		"watched_meetings", "Meetings that are watched and that this replica looks at.",
		prometheus.GaugeValue, func(f figures) float64 { return float64(f.Meetings) },
	},
	{
		"newest_look_timestamp_seconds", "When a look at any watched meeting last succeeded, in Unix time; 0 when none did.",
		prometheus.GaugeValue, func(f figures) float64 { return unix(f.NewestLook) },
	},
	{
		"oldest_look_timestamp_seconds", "When the watched meeting that has gone longest without a successful look had its last, " +
			"in Unix time; 0 when none had any.",
		prometheus.GaugeValue, func(f figures) float64 { return unix(f.OldestLook) },
	},
	{
		"expired_meetings_total", "Meetings that this replica removed, as their events had expired.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.expired) },
	},
	{
		"expiry_overdue_seconds", "For how long the meeting has been due that has expired and waits longest to be removed; " +
			"0 when none does, and on replicas that remove nothing.",
		prometheus.GaugeValue, func(f figures) float64 { return f.overdue.Seconds() },
	},
	{
		"checkpoint_age_seconds", "For how long the newest checkpoint of the log of meetings has been signed; 0 while there is none. " +
			"There is a new one only when meetings have ended since.",
		prometheus.GaugeValue, func(f figures) float64 { return f.checkpointAge.Seconds() },
	},
	{
		"access_events_lost_total", "Reads of which conference.access.read could not be stored; the log has them.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.unrecordedReads) },
	},
	{
		"http_connections_refused_total", "HTTP connections that were closed at once, as there were too many.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.refusedConnections) },
	},
	{
		"event_readers_refused_total", "Readers of /v1/events that were answered 429, as there were too many.",
		prometheus.CounterValue, func(f figures) float64 { return float64(f.refusedReaders) },
	},
	{
		"ready", "1 while the service is connected to NATS and knows the stored meetings.",
		prometheus.GaugeValue, func(f figures) float64 { return oneIf(f.ready) },
	},
}

// collector exposes the figures, all of one moment.
type collector struct {
	descriptions []*prometheus.Desc
	now          func() figures
}

var _ prometheus.Collector = (*collector)(nil)

// register registers the metrics of Rollcall itself.
func register(to prometheus.Registerer, now func() figures) {
	build := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "rollcall_build_info", Help: "1, with the version that runs.",
	}, []string{"version"})
	build.WithLabelValues(version.String()).Set(1)
	c := &collector{now: now}
	for _, m := range metrics {
		c.descriptions = append(c.descriptions, prometheus.NewDesc("rollcall_"+m.name, m.help, nil, nil))
	}
	to.MustRegister(build, c)
}

// Describe implements [prometheus.Collector].
func (c *collector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range c.descriptions {
		out <- d
	}
}

// Collect implements [prometheus.Collector].
func (c *collector) Collect(out chan<- prometheus.Metric) {
	f := c.now()
	for i, m := range metrics {
		out <- prometheus.MustNewConstMetric(c.descriptions[i], m.kind, m.value(f))
	}
}

// metrics returns what answers /metrics.
func (s *service) metrics() http.Handler {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	s.measure(registry)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry})
}

// measure registers everything that Rollcall counts.
func (s *service) measure(to prometheus.Registerer) {
	register(to, s.figures)
	to.MustRegister(s.pushes.collectors()...)
	to.MustRegister(oddFields{s.odd})
	to.MustRegister(refusals{&s.access.Failures})
}

func (s *service) figures() figures {
	f := figures{
		calls: s.source.Stats(), refusedConnections: s.turnedAway.Connections.Load(), refusedReaders: s.turnedAway.Readers.Load(),
		unrecordedReads: s.reads.unrecorded(),
	}
	p := s.gate.behind()
	if p == nil {
		return f
	}
	f.Counts = p.poller.Counts()
	f.share = p.fleet.share()
	f.expired, f.overdue = p.expiry.figures()
	f.checkpointAge = p.audit.age(time.Now())
	f.ready = p.conn.IsConnected() && p.poller.Health().Ready
	return f
}

func unix(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return float64(t.UnixMilli()) / 1000
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
