package poller_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// says is an information call that always has the same answer.
func says(info poller.Info) infoFunc {
	return func(context.Context, string) (poller.Info, error) { return info, nil }
}

// updates are the titles and creators that events told after the start.
func (w *world) updates(id string) []string {
	out := []string{}
	for _, e := range w.store.list() {
		if e.Type == events.MeetingUpdated && e.ConferenceID() == id {
			out = append(out, fmt.Sprint(e.Meeting.Title, " ", e.Meeting.CreatorID, " ", e.Meeting.Reason))
		}
	}
	return out
}

// A push starts a meeting before anything is known of it. What it is about is told as soon as the
// information call that is made anyway has said it, and costs no other.
func TestAMeetingThatAPushStartsIsDescribedSoon(t *testing.T) {
	calls := map[string]int{}
	for _, title := range []string{"", "Weekly"} {
		inWorld(t, slow, func(w *world) {
			w.source.onList(list(present("ann", 0)))
			w.source.onInfo(says(poller.Info{Title: title, CreatorID: "ann", StartTime: second(0), ActiveCount: 1}))
			w.push(joinPush("m", "ann", 0))
			assert.Equal(t, []string{"started"}, w.store.life("m"))
			assert.Empty(t, w.store.list()[0].Meeting.Title)
			assert.Empty(t, w.store.list()[1].Member.Title)
			w.sleep(5 * time.Second)
			assert.Equal(t, []string{title + " ann known"}, w.updates("m"))
			w.push(joinPush("m", "bob", 10))
			last := w.store.list()[len(w.store.list())-1]
			assert.Equal(t, events.Joined, last.Type)
			assert.Equal(t, title, last.Member.Title)
			w.sleep(3 * time.Hour)
			assert.Len(t, w.updates("m"), 1, "nothing changes")
			calls[title] = w.source.calls()
		})
	}
	assert.Equal(t, calls[""], calls["Weekly"], "as many calls as when there is nothing to tell")
}

// Whatever disagrees, each change is told once: nothing takes turns.
func TestSourcesThatDisagreeDoNotTakeTurns(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.source.onInfo(says(poller.Info{Title: "Asked", CreatorID: "ann", StartTime: second(1), ActiveCount: 1}))
		d := diff.Description{Title: "Pushed", CreatorID: "bob", StartTime: second(2)}
		for range 100 {
			w.push(poller.Notice{ConferenceID: "m", Scene: poller.Created, Time: second(2), Description: d})
			_, err := w.poller.Discover(w.ctx, "m", diff.Description{Title: "Listed", CreatorID: "cho", StartTime: second(3)}, time.Now())
			require.NoError(t, err)
			w.sleep(10 * time.Second)
		}
		assert.Equal(t, []string{"Asked ann changed"}, w.updates("m"))
		_, err := w.poller.Watch(w.ctx, "m", "Ours")
		require.NoError(t, err)
		w.sleep(time.Hour)
		assert.Equal(t, []string{"Asked ann changed", "Ours ann changed"}, w.updates("m"))
		w.source.onInfo(says(poller.Info{Title: "Renamed", CreatorID: "dan", StartTime: second(1), ActiveCount: 1}))
		w.sleep(time.Hour)
		assert.Equal(t, []string{"Asked ann changed", "Ours ann changed", "Ours dan changed"}, w.updates("m"))
	})
}

// What the last information call tells is told before the end, and nothing after it.
func TestNothingIsToldAfterTheEnd(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.push(joinPush("m", "ann", 0))
		w.sleep(time.Minute)
		w.source.onInfo(says(poller.Info{Title: "Weekly", Ended: true, EndTime: second(70)}))
		w.sleep(time.Minute)
		assert.Equal(t, []string{"started", "updated known", "ended ended"}, w.store.life("m"))
		all := w.store.list()
		assert.Equal(t, "Weekly", all[len(all)-2].Member.Title, "who is still there leaves a meeting with a title")
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Description: diff.Description{CreatorID: "ann"}})
		w.sleep(time.Hour)
		assert.Len(t, w.store.list(), len(all))
	})
}
