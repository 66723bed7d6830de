package service

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// oddFields exposes how often fields were of another type than documented. The fields are a fixed
// list.
type oddFields struct{ odd *wire.Oddities }

var _ prometheus.Collector = oddFields{}

var oddFieldsDesc = prometheus.NewDesc("rollcall_dingtalk_odd_fields_total",
	"Values from DingTalk of another type than documented, by field and by whether they were understood all the same.",
	[]string{"field", "understood"}, nil)

// Describe implements [prometheus.Collector].
func (oddFields) Describe(out chan<- *prometheus.Desc) { out <- oddFieldsDesc }

// Collect implements [prometheus.Collector].
func (o oddFields) Collect(out chan<- prometheus.Metric) {
	for _, c := range o.odd.Counts() {
		for understood, n := range map[string]uint64{"yes": c.Understood, "no": c.Unreadable} {
			if n > 0 {
				out <- prometheus.MustNewConstMetric(oddFieldsDesc, prometheus.CounterValue, float64(n), c.Field, understood)
			}
		}
	}
}
