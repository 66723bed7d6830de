package discovery_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
)

// witness is told when the list was asked for.
type witness struct {
	watcher
	listed []time.Time
}

func (w *witness) Discover(_ context.Context, _ string, _ diff.Description, listed time.Time) (bool, error) {
	w.listed = append(w.listed, listed)
	return true, nil
}

// TestAListIsAsOldAsItsFirstPage: what it says may have been so when it was asked for, and no
// longer when it is there.
func TestAListIsAsOldAsItsFirstPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
			time.Sleep(3 * time.Second) // synthetic
			return live("a", "b"), nil
		})
		w := &witness{}
		run(t, discovery.Options{Lister: list, Watcher: w, Interval: time.Minute}, 10*time.Second)
		assert.Equal(t, []time.Time{began, began}, w.listed)
	})
}

// TestAMeetingThatNoListHasShownIsAskedAboutOnce: pushes told of it, and the next may be lost.
func TestAMeetingThatNoListHasShownIsAskedAboutOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := []api.Ongoing{
			{Meetings: live("a")},
			{Meetings: live("a"), Certain: true},
			{Meetings: live("a"), Certain: true},
			{Meetings: live("a", "pushed"), Certain: true},
		}
		round, began := -1, time.Now()
		w := &suspicious{watcher: func(string, string) (bool, error) { return false, nil }}
		list := unsure(func() api.Ongoing {
			round++
			if round == 1 {
				assert.Empty(t, w.checked, "the list is uncertain")
			}
			return lists[round]
		})
		unlisted := func(_ context.Context, before time.Time) ([]string, error) {
			assert.Equal(t, began.Add(time.Duration(round-1)*time.Minute), before, "of a new one the list may not know")
			return []string{"a", "pushed"}, nil
		}
		run(t, discovery.Options{Lister: list, Watcher: w, Unlisted: unlisted, Interval: time.Minute}, 3*time.Minute+time.Second)
		assert.Equal(t, []string{"pushed"}, w.checked)
	})
}
