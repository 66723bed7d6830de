package poller_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// TestEverybodyAtOnce lets many watch, discover, give up and ask for the same few meetings, which
// end now and then, and checks that what is watched is what is stored as watched, and that nobody
// looks at a meeting twice at a time.
func TestEverybodyAtOnce(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ commitFails, answerFails float64 }{
		"all is well":        {},
		"the store fails":    {commitFails: 0.2},
		"its answer is lost": {answerFails: 0.2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{MinInterval: time.Millisecond, MaxInterval: 20 * time.Millisecond, Workers: 4}, func(w *world) {
				w.store.on(hooks{beforeCommit: sometimes(test.commitFails), afterCommit: sometimes(test.answerFails)})
				w.source.onList(func(context.Context, string) (poller.List, error) {
					time.Sleep(rand.N(3 * time.Millisecond)) // synthetic
					return poller.List{Rows: []diff.Row{gone("ann", 1, 2)}, Certain: true}, nil
				})
				w.source.onInfo(func(context.Context, string) (poller.Info, error) {
					return poller.Info{Ended: rand.IntN(10) == 0}, nil
				})
				ids := names(5)
				var actors sync.WaitGroup
				for range 12 {
					actors.Go(func() { w.act(ids, 200) })
				}
				actors.Wait()
				w.store.on(hooks{})
				w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil })
				w.sleep(time.Minute)
				for _, id := range ids {
					state := w.store.state(id)
					assert.Equal(t, state != nil && state.Phase == diff.Watched, w.watched(id), id)
					before := w.source.reads()[id]
					w.sleep(100 * time.Millisecond)
					assert.Equal(t, w.watched(id), w.source.reads()[id] > before, id)
					assert.Contains(t, [][]string{{}, {"1 joined ann", "2 left ann"}}, w.store.events(id))
				}
			})
		})
	}
}

func sometimes(probability float64) func(string) error {
	return func(string) error {
		if rand.Float64() < probability {
			return errors.New("as chance would have it")
		}
		return nil
	}
}

// act does n things to the meetings. What it is told is of no interest.
func (w *world) act(ids []string, n int) {
	for range n {
		id := ids[rand.IntN(len(ids))]
		ctx, cancel := context.WithTimeout(w.ctx, rand.N(20*time.Millisecond))
		switch rand.IntN(6) {
		case 0:
			_ = w.poller.Unwatch(ctx, id)
		case 1:
			_, _ = w.poller.Discover(ctx, id, diff.Description{}, time.Now())
		case 2:
			_ = w.poller.LookNow(id)
		case 3:
			w.poller.Meetings()
			w.poller.Health()
		default:
			_, _ = w.poller.Watch(ctx, id, "")
		}
		cancel()
		time.Sleep(rand.N(4 * time.Millisecond)) // synthetic
	}
}

// TestWatchThatIsNotWaitedFor has the meeting compared after the caller has gone; the race
// detector watches.
func TestWatchThatIsNotWaitedFor(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.store.on(hooks{beforeLoad: func(string) error { time.Sleep(2 * time.Second); return nil }}) // synthetic
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		began, err := w.poller.Watch(ctx, "m", "")
		assert.False(t, began)
		assert.ErrorIs(t, err, context.DeadlineExceeded)
		w.sleep(time.Minute)
		assert.True(t, w.watched("m"), "it is stored all the same")
	})
}
