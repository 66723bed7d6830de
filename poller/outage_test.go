package poller_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// crowdAfterAnOutage has people join in their hundreds while the list cannot be read for 40 s,
// pushes going on, and then has it read by a store that takes few events at a time.
func crowdAfterAnOutage(w *world, people int) (rows []diff.Row) {
	w.watch("m")
	w.sleep(5 * time.Second)
	w.source.onList(failList(trouble(poller.Unavailable)))
	w.source.onInfo(failInfo(trouble(poller.Unavailable)))
	for i := range 40 {
		w.sleep(time.Second)
		if i%10 == 9 {
			w.push(joinPush("m", fmt.Sprint("pushed", i), int64(i)))
			rows = append(rows, present(fmt.Sprint("pushed", i), int64(i)))
		}
	}
	for i := range people {
		rows = append(rows, present(fmt.Sprint("person", i), int64(10+i%20)))
	}
	w.source.onInfo(newSource().info)
	w.source.onList(list(rows...))
	return rows
}

// whole holds what is stored to the promise: everybody joined, no number is missing, no id is there
// twice.
func (w *world) whole(people int) {
	w.Helper()
	joinedWhole(w, people, w.store.list())
	assert.Equal(w, people, w.store.records["m"].State.Active)
}

// joinedWhole holds all events of a meeting to the promise.
func joinedWhole(t require.TestingT, people int, list []events.Event) {
	ids, sequence := map[string]bool{}, uint64(0)
	for _, e := range list {
		require.False(t, ids[e.ID], "%s is stored twice", e.Type)
		ids[e.ID] = true
		if e.Type.OfMember() {
			sequence++
			require.Equal(t, sequence, e.Sequence)
			require.Equal(t, events.Joined, e.Type)
		}
	}
	assert.Equal(t, uint64(people), sequence)
}

func TestACrowdAfterAnOutageIsStoredWhole(t *testing.T) {
	for _, people := range []int{15, 20, 21, 22, 23, 31, 600} {
		t.Run(fmt.Sprint(people), func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				rows := crowdAfterAnOutage(w, people)
				w.sleep(time.Minute)
				w.whole(len(rows))
				life := w.store.life("m")
				if assert.Len(t, life, 3) {
					assert.Equal(t, []string{"started", "gap unavailable"}, life[:2])
				}
			}, func(w *world) { w.store.batch = 25 })
		})
	}
}

// TestWhoeverDiesBetweenTheStepsOfACrowd is stopped after some steps of what the look after the
// outage found. Another goes on, and tells neither gap nor person twice.
func TestWhoeverDiesBetweenTheStepsOfACrowd(t *testing.T) {
	for steps := range 5 {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				rows := crowdAfterAnOutage(w, 100)
				left := steps
				w.store.on(hooks{beforeCommit: func(string) error {
					if left == 0 {
						return assert.AnError
					}
					left--
					return nil
				}, beat: func() error { return assert.AnError }})
				w.sleep(2 * time.Second)
				w.stop()
				w.sleep(10 * time.Second)
				w.store.on(hooks{})
				w.run(poller.Options{})
				<-w.poller.Ready()
				w.sleep(time.Minute)
				w.whole(len(rows))
				assert.Len(t, w.store.life("m"), 3, "%v", w.store.life("m"))
			}, func(w *world) { w.store.batch = 25 })
		})
	}
}

// TestAGapAfterOneThatWasStoredInPart cannot be looked at again right after a look whose outcome
// was stored in part: what has been told of the gap before is not told again, and the next begins
// when that one ended.
func TestAGapAfterOneThatWasStoredInPart(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		crowdAfterAnOutage(w, 100)
		left := 2
		w.store.on(hooks{beforeCommit: func(string) error {
			if left--; left < 0 {
				w.source.onList(failList(trouble(poller.Denied)))
				return assert.AnError
			}
			return nil
		}})
		w.sleep(10 * time.Second)
		w.source.onInfo(failInfo(trouble(poller.Denied)))
		w.store.on(hooks{})
		w.sleep(2 * time.Minute)
		life := w.store.life("m")
		if assert.Len(t, life, 4) {
			assert.Equal(t, "gap no_permission", life[3])
		}
	}, func(w *world) { w.store.batch = 25 })
}
