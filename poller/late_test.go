package poller_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// unfound watches a meeting until it is over because it is not found: nobody knows when it ended.
func (w *world) unfound() {
	w.Helper()
	w.source.onList(list(present("ann", 1)))
	w.watch("m")
	w.sleep(10 * time.Second)
	w.source.onList(failList(trouble(poller.NotFound)))
	w.source.onInfo(failInfo(trouble(poller.NotFound)))
	w.until(time.Minute, "the end", func() bool { return !w.watched("m") })
	require.Zero(w, w.store.state("m").EndTime)
}

func TestALatePushBringsNoMeetingBack(t *testing.T) {
	for name, test := range map[string]struct {
		push poller.Notice
		want bool
	}{
		"a join that was announced": {joinPush("m", "ann", 1), false},
		"the beginning": {poller.Notice{
			ConferenceID: "m", Scene: poller.Created, Time: second(1), Description: diff.Description{StartTime: second(1)},
		}, false},
		"a join since": {joinPush("m", "ann", 3600), true},
		"a join since, its time unknown": {poller.Notice{ConferenceID: "m", Time: second(3600), Rows: []diff.Row{
			{UnionID: "ann", Status: diff.StatusActive},
		}}, true},
		"an old join, its time unknown": {poller.Notice{ConferenceID: "m", Time: second(1), Rows: []diff.Row{
			{UnionID: "ann", Status: diff.StatusActive},
		}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.unfound()
				w.push(test.push)
				assert.Equal(t, test.want, w.watched("m"))
			})
		})
	}
}

// TestAMeetingListedBeforeItsEndHasEnded: between the reading of the organisation's list and what
// follows from it a meeting may have been closed out.
func TestAMeetingListedBeforeItsEndHasEnded(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 1)))
		w.watch("m")
		w.sleep(time.Minute)
		listed := time.Now()
		w.sleep(time.Second)
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: time.Now().UnixMilli()})
		w.until(5*time.Second, "the end", func() bool { return !w.watched("m") })
		for _, test := range []struct {
			listed time.Time
			want   bool
		}{{listed, false}, {time.Now().Add(time.Second), true}} {
			began, err := w.poller.Discover(w.ctx, "m", diff.Description{}, test.listed)
			require.NoError(t, err)
			assert.Equal(t, test.want, began)
		}
	})
}

// TestClosedAtAnUnknownTime: the push does not say when, and the information call not even that.
func TestClosedAtAnUnknownTime(t *testing.T) {
	inWorld(t, slow, func(w *world) {
		w.source.onList(list(present("ann", 1)))
		w.watch("m")
		w.sleep(time.Minute)
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Closed})
		w.sleep(5 * time.Second)
		require.Equal(t, []string{"1 joined ann", "2 meeting_ended ann"}, w.store.events("m"))
		all := w.store.list()
		left, ended := all[len(all)-2], all[len(all)-1]
		assert.True(t, left.Member.Inferred)
		assert.WithinDuration(t, time.Now(), left.Time, 6*time.Second)
		require.Equal(t, events.MeetingEnded, ended.Type)
		assert.Zero(t, ended.Meeting.EndTime)
		assert.WithinDuration(t, time.Now(), ended.Time, 6*time.Second)
	})
}
