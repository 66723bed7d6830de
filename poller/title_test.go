package poller_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// called is what the information call says of a meeting of this title.
func called(title string) infoFunc {
	return func(context.Context, string) (poller.Info, error) {
		return poller.Info{Title: title, CreatorID: "ann", StartTime: second(0), ActiveCount: 1}, nil
	}
}

// TestAGivenTitleStands whichever replica is told, whatever DingTalk says before or after, over
// hand-overs and looks that are under way.
func TestAGivenTitleStands(t *testing.T) {
	for to, who := range []string{"the owner", "another replica"} {
		t.Run(who, func(t *testing.T) {
			inReplicas(t, 2, poller.Options{}, func(r *replicas) {
				for _, w := range r.each {
					w.source.onInfo(called("DingTalk's"))
					w.source.onList(list(present("ann", 0)))
				}
				r.each[0].watch("m")
				r.sleep(time.Minute)
				assert.Equal(r, "DingTalk's", r.store.state("m").Title)

				r.each[0].source.onList(func(ctx context.Context, id string) (poller.List, error) {
					time.Sleep(time.Second) // synthetic: the title comes meanwhile
					return list(present("ann", 0), present("bob", 60))(ctx, id)
				})
				require.NoError(r, r.each[0].poller.LookNow("m"))
				r.sleep(500 * time.Millisecond)
				began, err := r.each[to].poller.Watch(r.ctx, "m", "Ours")
				require.NoError(r, err)
				assert.False(r, began)
				assert.Equal(r, "Ours", r.store.state("m").Title, "it is stored when Watch returns")
				r.sleep(time.Minute)

				late := poller.Notice{ConferenceID: "m", Scene: poller.Created, Time: second(0), Description: diff.Description{
					Title: "DingTalk's", StartTime: second(0),
				}}
				for _, w := range r.each {
					w.source.onInfo(called("DingTalk's, renamed"))
					w.push(late)
					began, err = w.poller.Discover(r.ctx, "m", diff.Description{Title: "Listed"}, time.Now())
					require.NoError(r, err)
					assert.False(r, began)
				}
				r.sleep(time.Minute)
				r.move(0, 1, everyShard()...)
				r.sleep(time.Minute)
				_, err = r.each[to].poller.Watch(r.ctx, "m", "")
				require.NoError(r, err)
				assert.Equal(r, "Ours", r.store.state("m").Title)
				for _, w := range r.each {
					status, _, err := w.poller.Meeting(r.ctx, "m")
					require.NoError(r, err)
					assert.Equal(r, "Ours", status.Title)
				}

				_, err = r.each[to].poller.Watch(r.ctx, "m", "Ours, too")
				require.NoError(r, err)
				r.sleep(time.Minute)
				assert.Equal(r, "Ours, too", r.store.state("m").Title, "until another is given")
			})
		})
	}
}

// TestWhatTheInformationCallSaysIsStored at once, though no list is read that would be stored with
// it, unless it failed.
func TestWhatTheInformationCallSaysIsStored(t *testing.T) {
	inWorld(t, hourly, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onInfo(called("Weekly"))
		w.sleep(time.Minute)
		assert.Equal(t, "Weekly", w.store.state("m").Title)
		w.source.onInfo(called("Monthly"))
		w.sleep(time.Minute)
		assert.Equal(t, "Monthly", w.store.state("m").Title, "it was renamed")
		w.push(poller.Notice{ConferenceID: "m", Scene: poller.Created, Description: diff.Description{Title: "Weekly"}})
		assert.Equal(t, "Monthly", w.store.state("m").Title, "a push may be late")

		w.store.on(hooks{beforeCommit: func(string) error { return assert.AnError }})
		w.source.onInfo(called("Yearly"))
		w.sleep(time.Minute)
		w.store.on(hooks{})
		w.sleep(time.Minute)
		assert.Equal(t, "Yearly", w.store.state("m").Title)
		assert.Equal(t, []string{"started", "updated known", "updated changed", "updated changed"}, w.store.life("m"))
	})
}
