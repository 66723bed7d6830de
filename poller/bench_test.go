package poller_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// instant is a source that answers at once, with people who stay.
type instant struct {
	rows []diff.Row
	goal atomic.Pointer[goal]
}

// goal is a number of lists to be read.
type goal struct {
	left    atomic.Int64
	reached chan struct{}
}

func (s *instant) Members(context.Context, string) (poller.List, error) {
	if g := s.goal.Load(); g.left.Add(-1) == 0 {
		close(g.reached)
	}
	return poller.List{Rows: s.rows, Certain: true}, nil
}

func (s *instant) Info(context.Context, string) (poller.Info, error) {
	return poller.Info{ActiveCount: len(s.rows)}, nil
}

// after is closed when n more lists have been read.
func (s *instant) after(n int) <-chan struct{} {
	g := &goal{reached: make(chan struct{})}
	g.left.Store(int64(n))
	s.goal.Store(g)
	return g.reached
}

// start runs a poller on meetings of n people that are stored already, until the benchmark ends,
// and returns when every one was looked at.
func start(b *testing.B, meetings, people int, opts poller.Options) (*poller.Poller, *instant) {
	b.Helper()
	store, source := newStore(), &instant{}
	for _, id := range names(meetings) {
		store.put(diff.New(id))
	}
	for _, id := range names(people) {
		source.rows = append(source.rows, present(id, 0))
	}
	p, err := poller.New(source, store, opts)
	require.NoError(b, err)
	all := source.after(meetings)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	b.Cleanup(func() { cancel(); <-ended })
	<-all
	return p, source
}

// BenchmarkLook is the poller's own part of a look at a meeting where nothing happens, the
// comparison included: wake-up, hand-over to a worker, clocks, queue.
func BenchmarkLook(b *testing.B) {
	for name, people := range map[string]int{"empty": 0, "20people": 20} {
		b.Run(name, func(b *testing.B) {
			opts := poller.Options{MinInterval: time.Millisecond, MaxInterval: time.Millisecond, Workers: 4}
			_, source := start(b, 100, people, opts)
			b.ReportAllocs()
			before, done := cpu(b), source.after(b.N)
			b.ResetTimer()
			<-done
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N), "cpu-ns/look")
		})
	}
}

// BenchmarkIdle is what a meeting costs in which nothing happens: its memory, the stored state
// included, and its CPU, the looks included that are made at times. Each round is a tenth of a
// second; give it many (-benchtime 100x).
func BenchmarkIdle(b *testing.B) {
	const meetings = 100_000
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	p, _ := start(b, meetings, 0, poller.Options{MinInterval: time.Minute, MaxInterval: time.Hour})
	runtime.GC()
	runtime.ReadMemStats(&after)
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	looks, used, began := p.Counts().Looks, cpu(b), time.Now()
	for b.Loop() {
		<-tick.C
	}
	spent, passed := cpu(b)-used, time.Since(began).Seconds()
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/meetings, "B/meeting")
	b.ReportMetric(float64(spent)/passed/meetings, "cpu-ns/s/meeting")
	b.ReportMetric(float64(p.Counts().Looks-looks)/passed/meetings, "looks/s/meeting")
}

// cpu is the time this process has used.
func cpu(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
