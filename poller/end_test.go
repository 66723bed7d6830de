package poller_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

var hour = poller.Options{MinInterval: time.Second, MaxInterval: time.Hour}

// hourly leaves nearly everything to the information call.
var hourly = poller.Options{MinInterval: time.Hour, MaxInterval: time.Hour}

// How soon the end has to be found.
const (
	byNotFound = 20 * time.Second
	byInfo     = 30 * time.Second
)

// ending is how a meeting goes on, and how it ends.
type ending struct {
	opts                poller.Options
	list                listFunc // before the end
	info                infoFunc
	endList             listFunc // after it
	endInfo             infoFunc
	limit               time.Duration
	neverRead, restarts bool
}

var (
	brisk = poller.Options{MinInterval: 100 * time.Millisecond, MaxInterval: time.Second}
	lost  = trouble(poller.NotFound)
	ended = func(context.Context, string) (poller.Info, error) { return poller.Info{Ended: true, EndTime: 1}, nil }
)

var endings = map[string]ending{
	"quiet meeting, room not found":             {opts: hour, endList: failList(lost), endInfo: failInfo(lost), limit: byNotFound},
	"quiet meeting, information says so":        {opts: hour, endList: list(present("ann", 0)), endInfo: ended, limit: byInfo},
	"brisk meeting, room not found":             {opts: brisk, endList: failList(lost), endInfo: failInfo(lost), limit: byNotFound},
	"brisk meeting, information says so":        {opts: brisk, endList: list(present("ann", 0)), endInfo: ended, limit: byInfo},
	"information says so, list not found":       {opts: hour, endList: failList(lost), endInfo: ended, limit: byInfo},
	"brisk meeting, only the list is not found": {opts: brisk, endList: failList(lost), limit: byNotFound},
	"information always fails": {
		opts: hour, info: failInfo(trouble(poller.Unavailable)), endList: failList(lost),
		endInfo: failInfo(trouble(poller.Unavailable)), limit: byNotFound,
	},
	"information always denied": {
		opts: hour, info: failInfo(trouble(poller.Denied)), endList: failList(lost),
		endInfo: failInfo(trouble(poller.Denied)), limit: byNotFound,
	},
	"information never found": {opts: hour, info: failInfo(lost), endList: failList(lost), endInfo: failInfo(lost), limit: byNotFound},
	"list always denied, information says so": {
		opts: hour, list: failList(trouble(poller.Denied)), neverRead: true,
		endList: failList(lost), endInfo: ended, limit: byInfo,
	},
	"list always fails, room not found": {
		opts: hour, list: failList(trouble(poller.Unavailable)), neverRead: true,
		endList: failList(lost), endInfo: failInfo(lost), limit: byNotFound,
	},
	"after a restart":                      {opts: hour, endList: failList(lost), endInfo: failInfo(lost), limit: byNotFound, restarts: true},
	"after a restart, information says so": {opts: hour, endList: list(present("ann", 0)), endInfo: ended, limit: byInfo, restarts: true},
}

// TestEndIsFoundInTime lets a meeting end in the ways it can while calls go wrong in the ways they
// can, at many phases of the schedule.
func TestEndIsFoundInTime(t *testing.T) {
	t.Parallel()
	for name, test := range endings {
		t.Run(name, func(t *testing.T) {
			for phase := range 12 {
				inWorld(t, test.opts, func(w *world) { test.play(w, 10*time.Minute+time.Duration(phase)*3*time.Second) })
			}
		})
	}
}

// play lets the meeting end after a while, and waits until that is found.
func (e ending) play(w *world, after time.Duration) {
	w.source.onList(list(present("ann", 0)))
	if e.list != nil {
		w.source.onList(e.list)
	}
	if e.info != nil {
		w.source.onInfo(e.info)
	}
	w.watch("m")
	w.sleep(after)
	if e.restarts {
		w.stop()
	}
	w.source.onList(e.endList)
	if e.endInfo != nil {
		w.source.onInfo(e.endInfo)
	}
	if e.restarts {
		w.run(e.opts)
		<-w.poller.Ready()
	}
	w.until(e.limit, "end", func() bool { return !w.watched("m") })
	want := []string{"1 joined ann", "2 meeting_ended ann"}
	if e.neverRead {
		want = []string{}
	}
	assert.Equal(w, want, w.store.events("m"))
	assert.Equal(w, diff.Ended, w.store.state("m").Phase)
}

// TestNoEnd names what must not end a meeting.
func TestNoEnd(t *testing.T) {
	once := func(w *world, calls int64) *atomic.Int64 {
		var left atomic.Int64
		left.Store(calls)
		w.source.onList(func(context.Context, string) (poller.List, error) {
			if left.Add(-1) >= 0 {
				return poller.List{}, lost
			}
			return poller.List{Rows: []diff.Row{present("ann", 0)}, Certain: true}, nil
		})
		return &left
	}
	tests := map[string]func(w *world){
		"room not found once":             func(w *world) { once(w, 1) },
		"information never finds it":      func(w *world) { w.source.onInfo(failInfo(lost)) },
		"one miss, success, one more":     func(w *world) { once(w, 1); w.sleep(time.Minute); once(w, 1) },
		"no permission":                   func(w *world) { w.source.onList(failList(trouble(poller.Denied))) },
		"an outage":                       func(w *world) { w.source.onList(failList(trouble(poller.Unavailable))) },
		"the month's calls are used up":   func(w *world) { w.source.onList(failList(trouble(poller.Exhausted))) },
		"two misses within two seconds":   func(w *world) { once(w, 2); w.miss("m"); w.sleep(time.Second); w.miss("m") },
		"everybody left":                  func(w *world) { w.source.onList(list(gone("ann", 0, 5))) },
		"an empty list that is uncertain": func(w *world) { w.source.onList(uncertain()) },
	}
	for name, act := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, poller.Options{}, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(5 * time.Minute)
				act(w)
				w.sleep(5 * time.Minute)
				assert.True(t, w.watched("m"))
				assert.NotContains(t, w.store.events("m"), "2 meeting_ended ann")
			})
		})
	}
}

func uncertain(rows ...diff.Row) listFunc {
	return func(context.Context, string) (poller.List, error) { return poller.List{Rows: rows}, nil }
}

// miss makes a look happen and waits for it.
func (w *world) miss(id string) {
	before := len(w.source.listCalls(id))
	assert.NoError(w, w.poller.LookNow(id))
	w.until(3*time.Second, "a look", func() bool { return len(w.source.listCalls(id)) > before })
}

// TestLastLook is about the list of a meeting that is over.
func TestLastLook(t *testing.T) {
	leaves := list(gone("ann", 0, 300), gone("bob", 301, 302))
	tests := map[string]struct {
		failing time.Duration
		with    error
		want    []string
		limit   time.Duration
	}{
		"can be read":              {want: []string{"1 joined ann", "2 left ann", "3 joined bob", "4 left bob"}, limit: byInfo},
		"is not found once":        {time.Second, trouble(poller.NotFound), []string{"1 joined ann", "2 left ann", "3 joined bob", "4 left bob"}, byInfo},
		"fails for half a minute":  {30 * time.Second, trouble(poller.Unavailable), []string{"1 joined ann", "2 left ann", "3 joined bob", "4 left bob"}, 80 * time.Second},
		"is throttled for a while": {5 * time.Second, troubleFor(poller.Throttled, 5*time.Second), []string{"1 joined ann", "2 left ann", "3 joined bob", "4 left bob"}, 50 * time.Second},
		"can never be read":        {time.Hour, trouble(poller.Unavailable), []string{"1 joined ann", "2 meeting_ended ann"}, 2 * time.Minute},
		"may never be read":        {time.Hour, trouble(poller.Denied), []string{"1 joined ann", "2 meeting_ended ann"}, 2 * time.Minute},
		"is never found":           {time.Hour, trouble(poller.NotFound), []string{"1 joined ann", "2 meeting_ended ann"}, byInfo},
		"is out of the month":      {time.Hour, trouble(poller.Exhausted), []string{"1 joined ann", "2 meeting_ended ann"}, 5 * time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, hourly, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(5 * time.Minute)
				var over atomic.Int64 // when the end was found
				w.source.onInfo(func(context.Context, string) (poller.Info, error) {
					over.CompareAndSwap(0, int64(w.elapsed()))
					return poller.Info{Ended: true, EndTime: second(310)}, nil
				})
				w.source.onList(func(ctx context.Context, id string) (poller.List, error) {
					if found := over.Load(); test.failing > 0 && (found == 0 || w.elapsed() < time.Duration(found)+test.failing) {
						return poller.List{}, test.with
					}
					return leaves(ctx, id)
				})
				w.until(test.limit, "end", func() bool { return !w.watched("m") })
				assert.Equal(t, test.want, w.store.events("m"))
				assert.Equal(t, second(310), w.store.state("m").EndTime)
			})
		})
	}
}

// TestEndTimeIsAskedFor when the list is the first to be gone.
func TestEndTimeIsAskedFor(t *testing.T) {
	inWorld(t, poller.Options{MaxInterval: time.Second}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onList(failList(trouble(poller.NotFound)))
		w.source.onInfo(func(context.Context, string) (poller.Info, error) {
			return poller.Info{Ended: true, EndTime: second(59)}, nil
		})
		w.until(5*time.Second, "end", func() bool { return !w.watched("m") })
		assert.Equal(t, second(59), w.store.state("m").EndTime)
	})
}

// TestRestartWhileEnding kills the poller after the end was found and before it could be stored.
func TestRestartWhileEnding(t *testing.T) {
	inWorld(t, hour, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onInfo(func(context.Context, string) (poller.Info, error) {
			return poller.Info{Ended: true, EndTime: second(61)}, nil
		})
		w.store.on(hooks{beforeCommit: func(string) error { return assert.AnError }})
		w.sleep(30 * time.Second)
		assert.True(t, w.watched("m"))
		w.stop()
		w.store.on(hooks{})
		w.run(hour)
		<-w.poller.Ready()
		w.until(byInfo, "end", func() bool { return !w.watched("m") })
		assert.Equal(t, []string{"1 joined ann", "2 meeting_ended ann"}, w.store.events("m"))
	})
}

// TestEndsThatNobodySaw deals with one meeting after the other, though all are due: there may not
// be time for all.
func TestEndsThatNobodySaw(t *testing.T) {
	const meetings, calls = 60, 60
	inWorld(t, hour, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch(names(meetings)...)
		w.sleep(time.Minute)
		w.stop()
		lists, infos := limited(1)
		w.source.onList(func(ctx context.Context, id string) (poller.List, error) {
			_, err := lists(ctx, id)
			return poller.List{Rows: []diff.Row{gone("ann", 0, 70)}, Certain: true}, err
		})
		w.source.onInfo(func(ctx context.Context, id string) (poller.Info, error) {
			_, err := infos(ctx, id)
			return poller.Info{Ended: true, EndTime: second(70)}, err
		})
		w.run(poller.Options{MinInterval: time.Second, MaxInterval: time.Hour, Workers: 2})
		w.sleep(calls * time.Second)
		assert.LessOrEqual(t, len(watchedIDs(w.poller)), meetings-calls/3+2)
	})
}

// TestWatchedAgainAfterItsEnd continues the numbering.
func TestWatchedAgainAfterItsEnd(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(time.Second)
		w.source.onList(failList(trouble(poller.NotFound)))
		w.until(byNotFound, "end", func() bool { return !w.watched("m") })
		w.source.onList(list(gone("ann", 0, 3), present("ann", 100)))
		w.sleep(time.Millisecond) // a list may be older than what was announced in the same millisecond
		w.watch("m")
		w.sleep(time.Second)
		assert.Equal(t, []string{"1 joined ann", "2 meeting_ended ann", "3 rejoined ann"}, w.store.events("m"))
	})
}
