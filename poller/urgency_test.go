package poller_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

// reasons are why lists and information were asked for.
type reasons struct {
	mu    sync.Mutex
	lists []string
	infos []string
}

func reasonOf(ctx context.Context) string {
	switch {
	case poller.LastLook(ctx) && poller.Asked(ctx):
		return "both"
	case poller.LastLook(ctx):
		return "last"
	case poller.Asked(ctx):
		return "asked"
	case poller.Continued(ctx):
		return "continued"
	default:
		return "due"
	}
}

// watchReasons keeps why the source of w is asked.
func (w *world) watchReasons() *reasons {
	r := &reasons{}
	members, info := w.source.members, w.source.info
	w.source.onList(func(ctx context.Context, id string) (poller.List, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lists = append(r.lists, reasonOf(ctx))
		return members(ctx, id)
	})
	w.source.onInfo(func(ctx context.Context, id string) (poller.Info, error) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.infos = append(r.infos, reasonOf(ctx))
		return info(ctx, id)
	})
	return r
}

// ofLists returns why lists were asked for so far.
func (r *reasons) ofLists() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.lists)
}

func TestASourceIsToldWhyItIsAsked(t *testing.T) {
	over := func(context.Context, string) (poller.Info, error) { return poller.Info{Ended: true}, nil }
	for name, test := range map[string]struct {
		act  func(w *world)
		last string // why the last list was asked for
	}{
		"it is due":              {func(w *world) { w.sleep(3 * time.Hour) }, "due"},
		"a push says too little": {func(w *world) { w.push(poller.Notice{ConferenceID: "m", Look: true}) }, "asked"},
		"a push says it is over": {func(w *world) { w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed}) }, "last"},
		"it is given up":         {func(w *world) { require.NoError(w, w.poller.Unwatch(w.ctx, "m")) }, "last"},
		"information says so":    {func(w *world) { w.source.onInfo(over); w.sleep(time.Minute) }, "last"},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, slow, func(w *world) {
				w.source.onList(list(gone("ann", 0, 1)))
				r := w.watchReasons()
				w.watch("m")
				w.sleep(time.Minute)
				assert.Equal(t, []string{"due"}, r.infos[:1])
				assert.Equal(t, []string{"continued"}, r.ofLists()[:1], "what it is about was asked before")
				test.act(w)
				w.sleep(5 * time.Second)
				lists := r.ofLists()
				assert.Equal(t, test.last, lists[len(lists)-1])
			})
		})
	}
}

// spent lets only last looks through: the month's calls are used up but for what is kept for these.
func spent(answer listFunc) listFunc {
	return func(ctx context.Context, id string) (poller.List, error) {
		if !poller.LastLook(ctx) {
			return poller.List{}, trouble(poller.Exhausted)
		}
		return answer(ctx, id)
	}
}

func spentInfo(ctx context.Context, _ string) (poller.Info, error) {
	if !poller.LastLook(ctx) {
		return poller.Info{}, trouble(poller.Exhausted)
	}
	return poller.Info{Ended: true, EndTime: second(200)}, nil
}

// TestTheMonthsCallsAreUsedUp: pushes go on, gaps and health say what is the matter, those who
// leave at the end are still announced, and the new month begins by itself.
func TestTheMonthsCallsAreUsedUp(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("closed", "given-up", "goes-on")
		w.sleep(time.Minute)
		healthy := w.source.info
		w.source.onList(spent(list(gone("ann", 0, 190), gone("bob", 100, 180))))
		w.source.onInfo(spentInfo)
		w.sleep(2 * time.Minute)
		assert.Contains(t, w.poller.Health().Failing, "dingtalk limit")
		assert.Equal(t, []string{"started", "gap quota_exhausted"}, w.store.life("goes-on"))
		w.push(joinPush("goes-on", "cyd", 170))
		assert.Equal(t, []string{"1 joined ann", "2 joined cyd"}, w.store.events("goes-on"))

		before := w.source.calls()
		w.push(poller.Notice{ConferenceID: "closed", Scene: poller.Closed, Time: second(200)})
		w.sleep(5 * time.Second)
		want := []string{"1 joined ann", "2 joined bob", "3 left bob", "4 left ann"}
		assert.Equal(t, want, w.store.events("closed"))
		assert.False(t, w.watched("closed"))
		require.NoError(t, w.poller.Unwatch(w.ctx, "given-up"))
		assert.Equal(t, want, w.store.events("given-up"))
		assert.Contains(t, w.poller.Health().Failing, "dingtalk limit", "a last look does not make it well")
		assert.Equal(t, before+2, w.source.calls(), "two lists")

		w.source.onList(list(present("ann", 0), present("cyd", 170)))
		w.source.onInfo(healthy)
		w.until(6*time.Minute, "the new month", func() bool { return len(w.store.life("goes-on")) == 3 })
		assert.Empty(t, w.poller.Health().Failing)
	})
}

// TestNothingIsLeftForLastLooks: the meeting is closed out without its list, and nobody keeps
// asking.
func TestNothingIsLeftForLastLooks(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onList(failList(trouble(poller.Exhausted)))
		w.source.onInfo(failInfo(trouble(poller.Exhausted)))
		w.sleep(time.Minute)
		before := w.source.calls()
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(100)})
		w.sleep(90 * time.Second)
		assert.Equal(t, []string{"1 joined ann", "2 meeting_ended ann"}, w.store.events("m"))
		assert.Less(t, w.source.calls()-before, 15)
	})
}

// TestThrottledLastLooksWait with all the others.
func TestThrottledLastLooksWait(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m", "other")
		w.sleep(time.Minute)
		w.source.onList(failList(troubleFor(poller.Throttled, 5*time.Minute)))
		w.source.onInfo(failInfo(troubleFor(poller.Throttled, 5*time.Minute)))
		w.sleep(time.Minute)
		before := w.source.calls()
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(100)})
		w.sleep(time.Minute)
		assert.Equal(t, before, w.source.calls())
		require.NoError(t, w.poller.Unwatch(w.ctx, "other"))
		assert.Equal(t, before, w.source.calls())
		assert.True(t, slices.Contains(watchedIDs(w.poller), "m"))
	})
}
