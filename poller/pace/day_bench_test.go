package pace_test

import (
	"math"
	"slices"
	"testing"
)

// BenchmarkDay plays whole days by three policies that make equally many calls, information calls
// included: the policy of this package, equal turns, and one that knows the true rate of change of
// every meeting. It reports how long it took to notice a change that no push announced, and the end
// of a meeting, in seconds. Give it -benchtime 1x.
func BenchmarkDay(b *testing.B) {
	for _, bench := range []struct {
		name string
		kind dayKind
		seed uint64
		rate float64
		push bool
	}{
		{"office/5perSecond", office, 11, 5, false},
		{"office/20perSecond", office, 12, 20, false},
		{"office/60perSecond", office, 13, 60, false},
		{"office/20perSecond/pushes", office, 14, 20, true},
		{"steady/20perSecond", steady, 15, 20, false},
		{"school/20perSecond", school, 16, 20, false},
	} {
		day := bench.kind.day(bench.seed)
		run := func(p policy) *outcome { return play(day, bench.rate, bench.push, p) }
		calls := run(newPaced(bench.rate)).calls
		b.Run(bench.name+"/paced", func(b *testing.B) {
			report(b, func() *outcome { return run(newPaced(bench.rate)) })
		})
		b.Run(bench.name+"/equal", func(b *testing.B) {
			report(b, func() *outcome {
				return withCalls(calls, shortest, 600, func(x float64) *outcome { return run(equalTurns{newPaced(bench.rate), x}) })
			})
		})
		b.Run(bench.name+"/clairvoyant", func(b *testing.B) {
			report(b, func() *outcome {
				return withCalls(calls, 1e-3, 1e3, func(x float64) *outcome { return run(clairvoyant{newPaced(bench.rate), x}) })
			})
		})
	}
}

func report(b *testing.B, run func() *outcome) {
	var o *outcome
	for b.Loop() {
		o = run()
	}
	slices.Sort(o.delays)
	slices.Sort(o.ends)
	b.ReportMetric(quantile(o.delays, 0.5), "median-s")
	b.ReportMetric(mean(o.delays), "mean-s")
	b.ReportMetric(quantile(o.delays, 0.99), "p99-s")
	b.ReportMetric(mean(o.ends), "end-s")
	b.ReportMetric(float64(o.calls), "calls")
}

// withCalls plays a day so thriftily that it takes a number of calls, within half a per cent. More
// of x is thriftier.
func withCalls(calls int, low, high float64, run func(x float64) *outcome) *outcome {
	o := run(low)
	if o.calls <= calls {
		return o
	}
	for range 12 {
		middle := math.Sqrt(low * high)
		o = run(middle)
		switch share := float64(o.calls) / float64(calls); {
		case math.Abs(share-1) < 0.005:
			return o
		case share > 1:
			low = middle
		default:
			high = middle
		}
	}
	return o
}

func mean(sorted []float64) float64 {
	sum := 0.0
	for _, x := range sorted {
		sum += x
	}
	return sum / float64(len(sorted))
}

func quantile(sorted []float64, q float64) float64 {
	return sorted[int(q*float64(len(sorted)-1))]
}

// BenchmarkLooked is what the decision itself costs, among a hundred thousand meetings.
func BenchmarkLooked(b *testing.B) {
	p := newPaced(20)
	all := make([]watched, 100_000)
	for i := range all {
		p.after(&all[i], float64(i)/1000, i%3)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		m := &all[i%len(all)]
		p.after(m, float64(i)/1000+100, i%2)
		i++
	}
}
