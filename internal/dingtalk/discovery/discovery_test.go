package discovery_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/poller"
)

func TestMain(m *testing.M) { leak.Main(m) }

type lister func(ctx context.Context) ([]api.OngoingMeeting, error)

func (f lister) OngoingMeetings(ctx context.Context) (api.Ongoing, error) {
	meetings, err := f(ctx)
	return api.Ongoing{Meetings: meetings, Certain: true}, err
}

type watcher func(id, title string) (bool, error)

func (f watcher) Discover(_ context.Context, id string, d diff.Description, _ time.Time) (bool, error) {
	return f(id, d.Title)
}

func (f watcher) CheckEnd(string) {}

// suspicious keeps whose end is to be checked.
type suspicious struct {
	watcher
	checked []string
}

func (s *suspicious) CheckEnd(id string) { s.checked = append(s.checked, id) }

// unsure lists what a test says.
type unsure func() api.Ongoing

func (f unsure) OngoingMeetings(context.Context) (api.Ongoing, error) { return f(), nil }

func TestAnUncertainListEndsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		over := live("b")
		over[0].Ended = true
		lists := []api.Ongoing{
			{Meetings: live("a", "b"), Certain: true},
			{},
			{},
			{Meetings: over},
			{Meetings: live("c"), Certain: true},
			{Meetings: live("c"), Certain: true},
		}
		checked := [][]string{nil, nil, nil, {"b"}, {"b", "a"}, {"b", "a"}}
		round := -1
		w := &suspicious{watcher: func(string, string) (bool, error) { return false, nil }}
		list := unsure(func() api.Ongoing {
			if round >= 0 {
				assert.Equal(t, checked[round], w.checked, "after round %d", round)
			}
			round++
			return lists[round]
		})
		run(t, discovery.Options{Lister: list, Watcher: w, Interval: time.Second}, time.Duration(len(lists)-1)*time.Second+time.Millisecond)
		assert.Equal(t, checked[round], w.checked)
	})
}

// TestNotesDoNotGrowWhileTheListIsUncertain: each list shows meetings that no other does.
func TestNotesDoNotGrowWhileTheListIsUncertain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const lists, each, bound = 5, 6000, 10_000
		round := 0
		list := unsure(func() api.Ongoing {
			if round++; round > lists {
				return api.Ongoing{Certain: true}
			}
			ids := make([]string, each)
			for i := range ids {
				ids[i] = fmt.Sprintf("%d-%d", round, i)
			}
			return api.Ongoing{Meetings: live(ids...)}
		})
		w := &suspicious{watcher: func(string, string) (bool, error) { return false, nil }}
		run(t, discovery.Options{Lister: list, Watcher: w, Interval: time.Second}, lists*time.Second+time.Millisecond)
		assert.Len(t, w.checked, bound, "what was still noted")
		assert.Contains(t, w.checked, fmt.Sprintf("%d-0", lists), "the last list's are")
	})
}

func TestAMeetingThatIsListedNoMoreIsChecked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lists := [][]api.OngoingMeeting{live("a", "b"), nil, live("a", "b"), live("b"), live("b"), live("a", "b")}
		round := -1
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
			if round++; lists[round] == nil {
				return nil, errors.New("no list, no news")
			}
			return lists[round], nil
		})
		w := &suspicious{watcher: func(string, string) (bool, error) { return false, nil }}
		run(t, discovery.Options{Lister: list, Watcher: w, Interval: time.Second}, time.Duration(len(lists)-1)*time.Second+time.Millisecond)
		assert.Equal(t, []string{"a"}, w.checked, "once")
	})
}

// reporter writes down what it is told.
type reporter struct{ lines []string }

func (r *reporter) Failed(what string, err error) { r.lines = append(r.lines, what+": "+err.Error()) }
func (r *reporter) OK(what string)                { r.lines = append(r.lines, what+" ok") }

func live(ids ...string) []api.OngoingMeeting {
	var out []api.OngoingMeeting
	for _, id := range ids {
		out = append(out, api.OngoingMeeting{ConferenceID: id, Title: "title of " + id})
	}
	return out
}

// run runs discovery for a while of synthetic time.
func run(t *testing.T, opts discovery.Options, while time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), while)
	defer cancel()
	discovery.Run(ctx, opts)
}

func TestRunListsAtOnceAndThenAtIntervals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		var at []time.Duration
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
			at = append(at, time.Since(began))
			return nil, nil
		})
		run(t, discovery.Options{Lister: list, Interval: time.Minute}, 150*time.Second)
		assert.Equal(t, []time.Duration{0, time.Minute, 2 * time.Minute}, at)
	})
}

func TestRunWatchesWhatIsLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		var asked []string
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
			all := live("a", "b", "c")
			all[1].Ended = true
			return all, nil
		})
		watch := watcher(func(id, title string) (bool, error) {
			asked = append(asked, id+" "+title)
			return len(asked) <= 2, nil
		})
		run(t, discovery.Options{
			Lister: list, Watcher: watch, Interval: time.Minute, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		}, 90*time.Second)
		assert.Equal(t, []string{"a title of a", "c title of c", "a title of a", "c title of c"}, asked)
		assert.Equal(t, 2, strings.Count(log.String(), "shows another meeting"), "what is watched already is no news")
	})
}

func TestRunPassesOverAMeetingThatCannotBeNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		r := &reporter{}
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
			return live("a", "b.*.>", "", strings.Repeat("x", 600), "c"), nil
		})
		watch := watcher(func(id, _ string) (bool, error) { asked = append(asked, id); return true, nil })
		run(t, discovery.Options{Lister: list, Watcher: watch, Interval: time.Minute, Reporter: r}, time.Second)
		assert.Equal(t, []string{"a", "c"}, asked)
		assert.Len(t, r.lines, 4)
		assert.Contains(t, r.lines[0], `discovery of a meeting: "b.*.>": a conferenceId is`)
		assert.Equal(t, "discovery ok", r.lines[3])
	})
}

func TestRunPassesOverAMeetingThatCannotBeWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked []string
		r := &reporter{}
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
			return live("bad1", "bad2", "a", "bad3", "bad4", "b"), nil
		})
		watch := watcher(func(id, _ string) (bool, error) {
			asked = append(asked, id)
			if strings.HasPrefix(id, "bad") {
				return false, errors.New(id + " is lost")
			}
			return true, nil
		})
		run(t, discovery.Options{Lister: list, Watcher: watch, Interval: time.Minute, Reporter: r}, time.Second)
		assert.Equal(t, []string{"bad1", "bad2", "a", "bad3", "bad4", "b"}, asked)
		assert.Equal(t, []string{"discovery: bad4 is lost"}, r.lines)
	})
}

// While nothing can be stored, every meeting costs the time that storing is tried for.
func TestRunGivesARoundUpWhenNothingCanBeWatched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var ids []string
		for i := range 1000 {
			ids = append(ids, fmt.Sprintf("m%d", i))
		}
		began, asked := time.Now(), 0
		lists := 0
		list := lister(func(context.Context) ([]api.OngoingMeeting, error) { lists++; return live(ids...), nil })
		watch := watcher(func(string, string) (bool, error) {
			asked++
			time.Sleep(15 * time.Second) // of synthetic time
			return false, errors.New("the server could not take the commit")
		})
		run(t, discovery.Options{Lister: list, Watcher: watch, Interval: time.Minute}, 100*time.Second)
		assert.Equal(t, 3, asked)
		assert.Equal(t, 1, lists)
		assert.Equal(t, 100*time.Second, time.Since(began))
	})
}

func TestHowLongToLeaveAfterAFailure(t *testing.T) {
	for name, c := range map[string]struct {
		err  error
		want time.Duration
	}{
		"outage":              {&poller.SourceError{Trouble: poller.Unavailable, Err: errors.New("HTTP 500")}, time.Minute},
		"a wait that is less": {&poller.SourceError{Trouble: poller.Throttled, Wait: time.Second, Err: errors.New("QPS")}, time.Minute},
		"a wait that is more": {&poller.SourceError{Trouble: poller.Exhausted, Wait: time.Hour, Err: errors.New("quota")}, time.Hour},
		"not ready":           {poller.ErrNotReady, time.Second},
		"anything else":       {errors.New("what"), time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				var at []time.Duration
				r := &reporter{}
				list := lister(func(context.Context) ([]api.OngoingMeeting, error) {
					at = append(at, time.Since(began))
					if len(at) == 1 {
						return nil, c.err
					}
					return nil, nil
				})
				run(t, discovery.Options{Lister: list, Interval: time.Minute, Reporter: r}, c.want+time.Millisecond)
				assert.Equal(t, []time.Duration{0, c.want}, at)
				assert.Equal(t, []string{"discovery: " + c.err.Error(), "discovery ok"}, r.lines)
			})
		})
	}
}

func TestRunStopsWithinACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &reporter{}
		list := lister(func(ctx context.Context) ([]api.OngoingMeeting, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		began := time.Now()
		run(t, discovery.Options{Lister: list, Interval: time.Minute, Reporter: r}, 3*time.Second)
		assert.Equal(t, 3*time.Second, time.Since(began))
		assert.Empty(t, r.lines, "to be stopped is no failure")
	})
}
