package month

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
	"github.com/c4342123/rollcall/internal/fleet/budget"
	"github.com/c4342123/rollcall/poller"
)

// As the settings have it when nothing is set.
const (
	rate           = 15
	discoveryEvery = time.Minute
)

// play plays a month in a bubble of synthetic time, up to the last look at what went on when it
// ended.
func (t tenant) play(tb testing.TB) *outcome {
	time.Sleep(time.Until(monthBegins.Add(-time.Hour))) // synthetic
	meetings := t.happen()
	up, kept := newUpstream(t, meetings), newStore()
	ctx, stop := context.WithCancel(context.Background())
	pushes, shared, turn := t.sends(meetings), t.shared(tb, meetings), new(turn)
	n := max(t.fleet, 1)
	parts := make([][]push, n) // which of them a push reaches is chance
	r := rand.New(rand.NewPCG(t.seed, 31))
	for _, p := range pushes {
		i := r.IntN(n)
		parts[i] = append(parts[i], p)
	}
	var replicas sync.WaitGroup
	for i := range n {
		replicas.Go(func() { t.replica(ctx, tb, up, kept, shared[i%len(shared)], part{i, n}, turn, parts[i]) })
	}
	time.Sleep(time.Until(t.ends().Add(-time.Minute)))
	stop()
	replicas.Wait()
	o := &outcome{calls: up.calls, total: up.total, gaps: kept.gaps, pushes: len(pushes)}
	if !up.out.IsZero() {
		o.outOn = up.out.In(china).Day()
	}
	for _, m := range meetings {
		o.judge(m, kept.told[m.id])
	}
	return o
}

// replica runs one replica until ctx ends, and hands it the pushes.
func (t tenant) replica(
	ctx context.Context, tb testing.TB, up *upstream, kept *store, shared jetstream.KeyValue, of part, turn *turn, pushes []push,
) {
	usage := t.usage(ctx, tb, shared)
	month := t.month(ctx, tb, shared, usage)
	share, err := budget.NewRate(budget.RateOptions{PerSecond: rate / float64(of.n)})
	require.NoError(tb, err)
	c := client{up, budget.NewLimiter(budget.LimiterOptions{Rate: share, Month: month})}
	p, err := poller.New(c, kept, poller.Options{Rate: share.PerSecond, Month: month, Shards: of})
	require.NoError(tb, err)
	go month.Run(ctx)
	go discovery.Run(ctx, discovery.Options{
		Lister: c, Watcher: p, Unlisted: p.Unlisted, Interval: discoveryEvery,
		Rest: month.UntilList, Turn: func(context.Context) (bool, error) { return turn.take(of.i), nil },
	})
	if t.quota > 0 {
		go usage.Run(ctx)
	}
	go t.push(ctx, tb, p, usage, pushes)
	require.NoError(tb, p.Run(ctx))
}

// part is one of n replicas, which has its part of the shards.
type part struct{ i, n int }

// Owns implements [poller.Shards].
func (p part) Owns(shard int) bool { return shard%p.n == p.i }

// Changed implements [poller.Shards].
func (part) Changed() <-chan struct{} { return nil }

// turn is whose turn it is to list the meetings.
type turn struct {
	mu    sync.Mutex
	whose int
	until time.Time
}

func (t *turn) take(who int) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Before(t.until) && t.whose != who {
		return false
	}
	t.whose, t.until = who, now.Add(discoveryEvery*9/10)
	return true
}

// month is the count of the month's calls.
func (t tenant) month(ctx context.Context, tb testing.TB, shared jetstream.KeyValue, usage *budget.Usage) *budget.Month {
	o := budget.MonthOptions{Limit: t.limit, Location: china, Telling: usage.PushesTell}
	ask := func(context.Context) (time.Time, error) { return time.Now(), nil }
	month, err := budget.OpenMonth(ctx, nil, budget.MonthOptions{Location: china})
	if t.limit > 0 {
		month, err = budget.OpenMonthIn(ctx, shared, ask, o)
	}
	require.NoError(tb, err)
	return month
}

// usage is the count of the month's pushes.
func (t tenant) usage(ctx context.Context, tb testing.TB, shared jetstream.KeyValue) *budget.Usage {
	usage, err := budget.OpenUsageIn(ctx, shared, budget.UsageOptions{Pushes: t.quota, Location: china})
	require.NoError(tb, err)
	return usage
}

// push hands pushes on as they come.
func (t tenant) push(ctx context.Context, tb testing.TB, p *poller.Poller, usage *budget.Usage, pushes []push) {
	<-p.Ready()
	for _, n := range pushes {
		time.Sleep(time.Until(time.UnixMilli(n.at)))
		if ctx.Err() != nil {
			return
		}
		usage.Count(budget.Push)
		require.NoError(tb, p.Notice(ctx, n.notice))
	}
}

// shared are the buckets by which the replicas share the count of the month's calls: one in memory
// for all, or of each its own that leads to a NATS server.
func (t tenant) shared(tb testing.TB, meetings []*meeting) []jetstream.KeyValue {
	if len(t.buckets) > 0 {
		return t.buckets
	}
	return []jetstream.KeyValue{t.bucket(tb, meetings)}
}

// bucket is what the replicas share of the month's calls, with the hours that were learned, if they
// were.
func (t tenant) bucket(tb testing.TB, meetings []*meeting) *bucket {
	b := &bucket{values: map[string]entry{}}
	if !t.learned {
		return b
	}
	var weights [7 * 24]float64
	for _, m := range meetings {
		at := time.UnixMilli(m.start).In(china)
		weights[int(at.Weekday())*24+at.Hour()]++
	}
	learned := map[string]any{"hour": monthBegins.Add(-2*time.Hour).Unix() / 3600, "count": 0, "weights": weights}
	data, err := json.Marshal(learned)
	require.NoError(tb, err)
	b.values["hours"] = entry{value: data, revision: 1}
	return b
}
