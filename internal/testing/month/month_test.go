// Package month plays whole months on a virtual clock around the real poller, pace, comparison,
// budget and discovery, and compares what they store with what happened.
package month

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// seeds are how many months are played of each tenant.
var seeds = flag.Uint64("month.seeds", 5, "how many months to play of each tenant and variant")

// BenchmarkMonth plays a month of each tenant and of each variant, by five seeds (-month.seeds):
// Month/A/reset/3.
// It reports the calls made, by kind and for every hour that a meeting goes on; the events that are
// missing, and those that are wrong; the meetings never seen; the ends that were untrue, and taken
// back; and how long it took to notice an event, and the end of a meeting, in seconds. Give it
// -benchtime 1x.
func BenchmarkMonth(b *testing.B) {
	for _, name := range slices.Sorted(maps.Keys(tenants)) {
		for _, variant := range slices.Sorted(maps.Keys(variants)) {
			for seed := range *seeds {
				t := tenants[name]
				t.seed = seed + 1
				variants[variant](&t)
				b.Run(fmt.Sprintf("%s/%s/%d", name, variant, t.seed), func(b *testing.B) {
					for b.Loop() {
						t.inBubble(b, func(o *outcome) { o.report(b) })
					}
				})
			}
		}
	}
}

// TestDaysAreExact plays the first days of months: nothing is missing or wrong, and calls are saved
// as they are in the whole of them.
func TestDaysAreExact(t *testing.T) {
	for _, test := range []struct {
		name   string
		days   int
		change func(*tenant)
		calls  int // at most
	}{
		{"A", 7, nil, 120},
		{"B", 5, func(o *tenant) { o.until = 1.45 }, 330},
		{"quota", 2, func(o *tenant) { o.quota = 500 }, 330},
		{"D", 2, nil, 500},
	} {
		o := tenants[test.name]
		o.seed, o.days = 1, test.days
		if test.change != nil {
			test.change(&o)
		}
		t.Run(fmt.Sprintf("%s %d", test.name, test.days), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got := o.play(t)
				t.Log(got)
				assert.Positive(t, got.truth)
				assert.Zero(t, got.missing+got.wrong+got.unseen)
				assert.LessOrEqual(t, got.total, test.calls)
			})
		})
	}
}

// TestReplicasShareARealBucket plays a day of replicas that share the count by a NATS server.
func TestReplicasShareARealBucket(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	o := tenants["A"]
	o.seed, o.days, o.fleet = 1, 1, 2
	o.buckets = realBuckets(t, o.fleet)
	synctest.Test(t, func(t *testing.T) {
		got := o.play(t)
		t.Log(got)
		assert.Positive(t, got.truth)
		assert.Zero(t, got.missing+got.wrong+got.unseen)
	})
	entry, err := o.buckets[0].Get(t.Context(), monthBegins.Format("2006-01"))
	require.NoError(t, err)
	var count struct{ Drawn int }
	require.NoError(t, json.Unmarshal(entry.Value(), &count))
	assert.Positive(t, count.Drawn, "as the server has it")
}

// inBubble plays a month in a bubble, which only tests can make. Replicas share a bucket of a NATS
// server.
func (t tenant) inBubble(b *testing.B, then func(*outcome)) {
	if t.fleet > 1 && t.limit > 0 {
		t.buckets = realBuckets(b, t.fleet)
	}
	testing.RunTests(func(string, string) (bool, error) { return true, nil }, []testing.InternalTest{{Name: b.Name(), F: func(test *testing.T) {
		synctest.Test(test, func(test *testing.T) { then(t.play(test)) })
	}}})
}

func (o *outcome) report(b *testing.B) {
	for _, kind := range []string{"lists", "asked", "last", "infos", "org"} {
		b.ReportMetric(float64(o.calls[kind]), kind)
	}
	b.ReportMetric(float64(o.total), "calls")
	b.ReportMetric(float64(o.total)/max(o.meetingHours, 1), "calls/mh")
	b.ReportMetric(float64(o.missing), "missing")
	b.ReportMetric(float64(o.wrong), "wrong")
	b.ReportMetric(float64(o.unseen), "unseen")
	b.ReportMetric(float64(o.untrue), "untrue")
	b.ReportMetric(float64(o.outOn), "out-on")
	for _, q := range []int{50, 90, 99} {
		b.ReportMetric(quantile(o.notice, float64(q)/100), fmt.Sprintf("notice%d-s", q))
		b.ReportMetric(quantile(o.end, float64(q)/100), fmt.Sprintf("end%d-s", q))
	}
	b.Log(o)
}

// String is one line of a table.
func (o *outcome) String() string {
	return fmt.Sprintf("calls %d (%.0f/mh: lists %d, asked %d, last %d, infos %d, org %d, refused %d) out on %d; of %d events missing %d, wrong %d, untrue %d; "+
		"of %d meetings (%.0f h) unseen %d%s, not ended %d; gaps %d; pushes %d; notice %.1f/%.1f/%.1f s, end %.1f/%.1f/%.1f s",
		o.total, float64(o.total)/max(o.meetingHours, 1), o.calls["lists"], o.calls["asked"], o.calls["last"], o.calls["infos"], o.calls["org"], o.calls["refused"], o.outOn,
		o.truth, o.missing, o.wrong, o.untrue, o.meetings, o.meetingHours, o.unseen, o.blind, o.unended, o.gaps, o.pushes,
		quantile(o.notice, .5), quantile(o.notice, .9), quantile(o.notice, .99), quantile(o.end, .5), quantile(o.end, .9), quantile(o.end, .99))
}
