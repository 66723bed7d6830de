package poller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// limited makes a source that takes calls at a rate only, as the real one does.
func limited(perSecond float64) (listFunc, infoFunc) {
	limiter := rate.NewLimiter(rate.Limit(perSecond), 1)
	return func(ctx context.Context, _ string) (poller.List, error) {
			return poller.List{Certain: true}, limiter.Wait(ctx)
		}, func(ctx context.Context, _ string) (poller.Info, error) {
			return poller.Info{}, limiter.Wait(ctx)
		}
}

// crowded has a world in which so many meetings are watched, and calls are taken at a rate only.
func crowded(meetings int, perSecond float64) func(w *world) {
	return func(w *world) {
		lists, infos := limited(perSecond)
		w.source.onList(lists)
		w.source.onInfo(infos)
		for _, id := range names(meetings) {
			w.store.put(diff.New(id))
		}
	}
}

// TestNobodyWaitsForEver gives ten thousand meetings a source that takes a tenth of the calls they
// would make.
func TestNobodyWaitsForEver(t *testing.T) {
	t.Parallel()
	const meetings, perSecond = 10_000, 100
	inWorld(t, poller.Options{}, func(w *world) {
		ids := names(meetings)
		w.sleep(3 * meetings / perSecond * time.Second)
		before := w.source.reads()
		require.Len(t, before, meetings, "some were never looked at")
		w.sleep(6 * meetings / perSecond * time.Second)
		after := w.source.reads()
		least, most := 1<<30, 0
		for _, id := range ids {
			reads := after[id] - before[id]
			least, most = min(least, reads), max(most, reads)
		}
		assert.GreaterOrEqual(t, least, 1)
		assert.LessOrEqual(t, most, 5*max(least, 1), "equals are treated alike")
	}, crowded(meetings, perSecond))
}

// TestAskedLooksUnderLoad asks for looks while there is a queue of minutes. They come soon, and a
// meeting that is asked about all the time neither comes later for it nor keeps the others from
// their turn.
func TestAskedLooksUnderLoad(t *testing.T) {
	t.Parallel()
	const meetings, perSecond = 2000, 20
	inWorld(t, poller.Options{}, func(w *world) {
		w.sleep(10 * time.Second)
		require.NoError(t, w.poller.LookNow("m01999"))
		w.until(5*time.Second, "a look", func() bool { return len(w.source.listCalls("m01999")) > 0 })
		created, err := w.poller.Watch(w.ctx, "new", "")
		require.NoError(t, err)
		require.True(t, created)
		w.until(5*time.Second, "the first look", func() bool { return len(w.source.listCalls("new")) > 0 })

		for range 4 * meetings / perSecond {
			for _, id := range names(100) { // five times what the source takes
				require.NoError(t, w.poller.LookNow(id))
			}
			w.sleep(time.Second)
		}
		reads := w.source.reads()
		assert.Len(t, reads, meetings+1, "some were never looked at")
		least := meetings
		for _, id := range names(100) {
			least = min(least, reads[id])
		}
		assert.GreaterOrEqual(t, least, 3, "who asks all the time was put off")
	}, crowded(meetings, perSecond))
}
