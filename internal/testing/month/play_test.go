package month

import (
	"context"
	"encoding/json"
	"testing"
	"time"

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
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.replica(ctx, tb, up, kept, t.bucket(tb, meetings))
	}()
	pushes := t.sends(meetings)
	time.Sleep(time.Until(monthEnds.Add(-time.Minute)))
	stop()
	<-done
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
func (t tenant) replica(ctx context.Context, tb testing.TB, up *upstream, kept *store, shared *bucket) {
	month := t.month(ctx, tb, shared)
	share, err := budget.NewRate(budget.RateOptions{PerSecond: rate})
	require.NoError(tb, err)
	c := client{up, budget.NewLimiter(budget.LimiterOptions{Rate: share, Month: month})}
	p, err := poller.New(c, kept, poller.Options{Rate: share.PerSecond, Month: month})
	require.NoError(tb, err)
	go month.Run(ctx)
	go discovery.Run(ctx, discovery.Options{
		Lister: c, Watcher: p, Interval: discoveryEvery,
		Rest: month.UntilList,
	})
	go t.push(ctx, tb, p, t.sends(up.meetings))
	require.NoError(tb, p.Run(ctx))
}

// month is the count of the month's calls.
func (t tenant) month(ctx context.Context, tb testing.TB, shared *bucket) *budget.Month {
	o := budget.MonthOptions{Limit: t.limit, Location: china}
	ask := func(context.Context) (time.Time, error) { return time.Now(), nil }
	month, err := budget.OpenMonth(ctx, nil, budget.MonthOptions{Location: china})
	if t.limit > 0 {
		month, err = budget.OpenMonthIn(ctx, shared, ask, o)
	}
	require.NoError(tb, err)
	return month
}

// push hands pushes on as they come.
func (t tenant) push(ctx context.Context, tb testing.TB, p *poller.Poller, pushes []push) {
	<-p.Ready()
	for _, n := range pushes {
		time.Sleep(time.Until(time.UnixMilli(n.at)))
		if ctx.Err() != nil {
			return
		}
		require.NoError(tb, p.Notice(ctx, n.notice))
	}
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
