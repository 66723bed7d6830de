package poller_test

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// slowList answers with what the list shows as the call begins, but only after the call has taken
// so long.
func slowList(took time.Duration, rows func() []diff.Row) listFunc {
	return func(ctx context.Context, _ string) (poller.List, error) {
		seen := rows()
		poller.Reading(ctx)
		select {
		case <-time.After(took): // synthetic
			return poller.List{Rows: seen, Certain: true}, nil
		case <-ctx.Done():
			return poller.List{}, ctx.Err()
		}
	}
}

// TestALookOfAnyLengthUndoesNoPush begins to read the list, has somebody leave, somebody join and
// somebody come with another device while that goes on, and lets it end a long time later.
func TestALookOfAnyLengthUndoesNoPush(t *testing.T) {
	for _, took := range []time.Duration{time.Second, 59 * time.Second, 61 * time.Second, time.Hour} {
		for by := range 2 {
			t.Run(fmt.Sprintf("%v, pushed to replica %d", took, by), func(t *testing.T) {
				inReplicas(t, 2, poller.Options{}, func(r *replicas) {
					r.source.onList(list(present("ann", 0), present("cyd", 0)))
					r.each[0].watch("m")
					r.sleep(10 * time.Second)
					rows := []diff.Row{present("ann", 0), present("cyd", 0)}
					r.source.onList(slowList(took, func() []diff.Row { return rows }))
					began := len(r.source.listCalls("m"))
					r.until(time.Minute, "a look", func() bool { return len(r.source.listCalls("m")) > began })
					rows = []diff.Row{gone("ann", 0, 5), present("bob", 6), present("cyd", 0), present("cyd", 7)}
					r.each[by].push(leavePush("m", "ann", 0, 5))
					r.each[by].push(joinPush("m", "bob", 6))
					r.each[by].push(joinPush("m", "cyd", 7))
					looks := len(r.source.listCalls("m"))
					r.sleep(5*took + time.Minute)
					assert.Equal(r, []string{"1 joined ann", "2 joined cyd", "3 left ann", "4 joined bob"}, r.store.events("m"))
					assert.Greater(r, len(r.source.listCalls("m")), looks, "it is looked at again")
					r.each[by].push(leavePush("m", "cyd", 0, 8))
					r.sleep(5*took + time.Minute)
					assert.Len(r, r.store.events("m"), 4, "the other device is there still")
				})
			})
		}
	}
}

// TestALookThatBeganBeforeAnotherWasOverAnnouncesNothing lets another replica look, for a second,
// in the middle of a look that takes an hour.
func TestALookThatBeganBeforeAnotherWasOverAnnouncesNothing(t *testing.T) {
	inReplicas(t, 2, poller.Options{}, func(r *replicas) {
		r.source.onList(list(present("ann", 0)))
		r.each[0].watch("m")
		r.sleep(10 * time.Second)
		rows := []diff.Row{present("ann", 0)}
		r.each[0].source.onList(slowList(time.Hour, func() []diff.Row { return rows }))
		began := len(r.each[0].source.listCalls("m"))
		r.until(time.Minute, "a look", func() bool { return len(r.each[0].source.listCalls("m")) > began })
		rows = []diff.Row{gone("ann", 0, 5), present("bob", 6)}
		r.each[1].source.onList(slowList(time.Second, func() []diff.Row { return rows }))
		assert.NoError(r, r.each[1].poller.LookNow("m"))
		r.sleep(4 * time.Hour)
		assert.Equal(r, []string{"1 joined ann", "2 left ann", "3 joined bob"}, r.store.events("m"))
	})
}

// TestPushesWithoutEndDoNotKeepLooksFromCounting has somebody pushed in the middle of every look.
// What the looks find all the same is announced, and calls are made no faster than looks take.
func TestPushesWithoutEndDoNotKeepLooksFromCounting(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		var shown atomic.Pointer[[]diff.Row]
		rows := []diff.Row{present("ann", 0)}
		show := func() {
			now := slices.Clone(rows)
			shown.Store(&now)
		}
		show()
		w.source.onList(slowList(10*time.Second, func() []diff.Row { return *shown.Load() }))
		w.watch("m")
		w.sleep(30 * time.Second)
		for i := range int64(100) {
			rows = append(rows, present(fmt.Sprint("pushed", i), i))
			show()
			w.push(joinPush("m", fmt.Sprint("pushed", i), i))
			w.sleep(3 * time.Second)
		}
		rows[0] = gone("ann", 0, 200)
		rows = append(rows, present("unpushed", 201))
		show()
		w.sleep(30 * time.Second)
		assert.Len(t, w.store.events("m"), 103)
		before := len(w.source.listCalls("m"))
		w.sleep(10 * time.Minute)
		assert.Less(t, len(w.source.listCalls("m"))-before, 62, "it does not look for ever")
	})
}
