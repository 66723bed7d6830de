package poller_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// over watches a meeting and has it end after a minute.
func (w *world) over(id string) {
	w.Helper()
	w.source.onList(list(gone("ann", 0, 50)))
	w.watch(id)
	w.sleep(time.Minute)
	w.source.onInfo(endsAt(59))
	w.push(closedAt(id, 59))
	w.until(5*time.Second, "end", func() bool { return !w.watched(id) })
}

// discovering marks the context of calls that Discover makes itself.
type discovering struct{}

// found has the organisation's list show a meeting, and tells whether that begins to watch it. The
// list is later than the last look by a little: one of the same millisecond proves nothing.
func (w *world) found(id string, start int64) bool {
	w.Helper()
	w.sleep(10 * time.Millisecond)
	ctx := context.WithValue(w.ctx, discovering{}, true)
	began, err := w.poller.Discover(ctx, id, diff.Description{Title: "listed", StartTime: second(start)}, time.Now())
	require.NoError(w, err)
	return began
}

// TestAListThatLagsBehind shows a meeting that is over for hours, every minute: it stays over, and
// few calls are made to find that out.
func TestAListThatLagsBehind(t *testing.T) {
	for name, info := range map[string]infoFunc{
		"it is over": endsAt(59), "nobody knows more": failing, "not found": failInfo(trouble(poller.NotFound)), "used up": usedUp,
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, slow, func(w *world) {
				w.over("m")
				w.source.onInfo(info)
				calls := w.source.calls()
				for range 4 * 60 {
					require.False(t, w.found("m", 0))
					w.sleep(time.Minute)
				}
				assert.Equal(t, []string{"started", "ended closed"}, w.store.life("m"))
				assert.LessOrEqual(t, w.source.calls()-calls, 12)
			})
		})
	}
}

// TestAListThatIsRight about a meeting that goes on after its end.
func TestAListThatIsRight(t *testing.T) {
	t.Run("it began later", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.over("m")
			var asked atomic.Int32 // the first look, which begins meanwhile, makes calls of its own
			w.source.onInfo(func(ctx context.Context, id string) (poller.Info, error) {
				if ctx.Value(discovering{}) != nil {
					asked.Add(1)
				}
				return endsAt(59)(ctx, id)
			})
			assert.True(t, w.found("m", 61))
			assert.Zero(t, asked.Load(), "nobody has to be asked")
		})
	})
	t.Run("the information call says so, too", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.over("m")
			assert.False(t, w.found("m", 0))
			w.source.onInfo(goesOn)
			assert.False(t, w.found("m", 0), "it was asked just now")
			w.sleep(2 * time.Minute)
			assert.True(t, w.found("m", 0))
			assert.Equal(t, []string{"started", "ended closed", "started"}, w.store.life("m"), "what is known is told at once")
			assert.False(t, w.found("m", 0))
		})
	})
	t.Run("somebody stopped watching it meanwhile", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.over("m")
			w.source.onInfo(goesOn)
			w.watch("m")
			require.NoError(t, w.poller.Unwatch(w.ctx, "m"))
			assert.False(t, w.found("m", 0))
			assert.False(t, w.found("m", 70))
		})
	})
	t.Run("another end is asked about anew", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.over("m")
			assert.False(t, w.found("m", 0))
			w.source.onInfo(goesOn)
			w.watch("m")
			w.sleep(time.Minute)
			w.push(closedAt("m", 100))
			w.until(5*time.Second, "end", func() bool { return !w.watched("m") })
			assert.True(t, w.found("m", 0))
		})
	})
}

// TestLateNewsOfGuests is about people whom a push cannot name: that one has left is no sign of a
// meeting that goes on.
func TestLateNewsOfGuests(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.over("m")
		w.push(poller.Notice{ConferenceID: "m", Time: second(70), Look: true, Gone: true})
		assert.False(t, w.watched("m"))
		w.push(poller.Notice{ConferenceID: "m", Time: second(70), Look: true})
		assert.True(t, w.watched("m"), "somebody came")
	})
}

// TestNextLookIsNotInThePast, neither while the look is under way nor while calls have to wait.
func TestNextLookIsNotInThePast(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(func(context.Context, string) (poller.List, error) {
			time.Sleep(3 * time.Second) // synthetic
			return poller.List{Certain: true}, nil
		})
		w.watch("m")
		check := func() {
			t.Helper()
			for range 100 {
				w.sleep(700 * time.Millisecond)
				one, _, err := w.poller.Meeting(w.ctx, "m")
				require.NoError(t, err)
				assert.False(t, one.NextLook.Before(time.Now()))
				assert.Equal(t, one.NextLook, w.poller.Meetings()[0].NextLook)
			}
		}
		check()
		w.source.onList(failList(troubleFor(poller.Throttled, time.Hour)))
		w.source.onInfo(failInfo(troubleFor(poller.Throttled, time.Hour)))
		w.sleep(time.Minute)
		check()
		one, _, err := w.poller.Meeting(w.ctx, "m")
		require.NoError(t, err)
		assert.Greater(t, time.Until(one.NextLook), 30*time.Minute)
	})
}
