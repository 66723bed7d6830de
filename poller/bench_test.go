package poller_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// instant is a source that answers at once, with people who stay.
type instant struct{ rows []diff.Row }

func (s instant) Members(context.Context, string) (poller.List, error) {
	return poller.List{Rows: s.rows, Certain: true}, nil
}

func (s instant) Info(context.Context, string) (poller.Info, error) {
	return poller.Info{ActiveCount: len(s.rows)}, nil
}

func crowd(n int) []diff.Row {
	rows := make([]diff.Row, 0, n)
	for _, id := range names(n) {
		rows = append(rows, present(id, 0))
	}
	return rows
}

// start runs a poller on meetings that are stored already, until the benchmark ends.
func start(b *testing.B, meetings int, rows []diff.Row, opts poller.Options) *poller.Poller {
	b.Helper()
	store := newStore()
	for _, id := range names(meetings) {
		store.put(diff.New(id))
	}
	p, err := poller.New(instant{rows}, store, opts)
	require.NoError(b, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-ended })
	<-p.Ready()
	for p.Counts().Looks < uint64(meetings) {
		time.Sleep(time.Millisecond) // a benchmark waits in real time
	}
	return p
}

// BenchmarkLook is the poller's own part of a look at a meeting of 20 people where nothing happens, the comparison
// included: wake-up, hand-over to a worker, two clocks, the queue.
func BenchmarkLook(b *testing.B) {
	for name, people := range map[string]int{"empty": 0, "20people": 20} {
		b.Run(name, func(b *testing.B) {
			p := start(b, 100, crowd(people), poller.Options{MinInterval: time.Millisecond, MaxInterval: time.Millisecond, Workers: 4})
			before, looks := cpu(b), p.Counts().Looks
			for range b.N {
				time.Sleep(time.Millisecond)
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(p.Counts().Looks-looks), "cpu-ns/look")
			b.ReportMetric(float64(p.Counts().Looks-looks)/float64(b.N), "looks/ms")
		})
	}
}

// BenchmarkIdle is what a meeting costs in which nothing happens, at the default intervals: memory, and CPU besides the
// looks themselves is to be had from the difference to BenchmarkLook.
func BenchmarkIdle(b *testing.B) {
	const meetings = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p := start(b, meetings, nil, poller.Options{MinInterval: time.Minute, MaxInterval: time.Hour})
	runtime.GC()
	runtime.ReadMemStats(&after)
	looks, used, began := p.Counts().Looks, cpu(b), time.Now()
	for range b.N {
		time.Sleep(10 * time.Millisecond)
	}
	spent, passed := cpu(b)-used, time.Since(began)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/meetings, "B/meeting")
	b.ReportMetric(float64(spent)/passed.Seconds()/meetings, "cpu-ns/s/meeting")
	b.ReportMetric(float64(p.Counts().Looks-looks)/passed.Seconds()/meetings, "looks/s/meeting")
}

// cpu is the time this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
