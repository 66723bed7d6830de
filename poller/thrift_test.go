package poller_test

import (
	"context"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// limit is a month's limit that allows so many calls for each hour of a meeting, and keeps what it
// is told.
type limit struct {
	perHour float64

	mu     sync.Mutex
	begun  []string
	told   int
	hours  float64
	missed atomic.Int64
	gone   atomic.Bool // there are no pushes any more
}

var _ poller.Month = (*limit)(nil)

func (l *limit) PerMeeting() float64 { return l.perHour / 3600 }

func (l *limit) Began(started time.Time, told bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	how := "found"
	if told {
		how = "told"
	}
	if started.IsZero() {
		how += ", when is not known"
	}
	l.begun = append(l.begun, how)
}

func (l *limit) Missed() { l.missed.Add(1) }

func (l *limit) Telling() bool { return !l.gone.Load() }

func (l *limit) Pushed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told++
}

func (l *limit) Held(hours float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hours += hours
}

func thrifty() poller.Options { return poller.Options{Month: &limit{perHour: 20}} }

func (w *world) lists(id string) int { return len(w.source.listCalls(id)) }
func (w *world) infos(id string) int { return len(w.source.infoCalls(id)) }

// now is the present as pushes tell it, in seconds.
func (w *world) now() int64 { return int64(w.elapsed() / time.Second) }

func (w *world) create(id string) {
	w.Helper()
	w.push(poller.Notice{
		ConferenceID: id, Scene: poller.Created, Time: second(w.now()),
		Description: diff.Description{Title: "Weekly", CreatorID: "ann", StartTime: second(w.now())},
	})
}

func (w *world) discover(id string, started int64) {
	w.Helper()
	_, err := w.poller.Discover(w.ctx, id, diff.Description{Title: "Weekly", CreatorID: "ann", StartTime: second(started)}, time.Now())
	require.NoError(w, err)
}

// prove has pushes tell of six who come, and the list of a meeting show just that.
func (w *world) prove(id string) []diff.Row {
	w.Helper()
	rows := []diff.Row{}
	for _, who := range []string{"a", "b", "c", "d", "e", "f"} {
		w.push(joinPush(id, who, w.now()))
		rows = append(rows, present(who, w.now()))
	}
	w.source.onList(list(rows...))
	require.NoError(w, w.poller.LookNow(id))
	w.sleep(2 * time.Second)
	return rows
}

func TestUnderALimitTheFirstLookWaits(t *testing.T) {
	for name, test := range map[string]struct {
		begin func(w *world)
		after time.Duration
	}{
		"pushed":          {func(w *world) { w.create("m") }, 170 * time.Second},
		"found, new":      {func(w *world) { w.discover("m", w.now()-60) }, 110 * time.Second},
		"found, old":      {func(w *world) { w.discover("m", w.now()-600) }, 0},
		"found, no start": {func(w *world) { w.push(joinPush("m", "ann", w.now())) }, 0},
		"asked for":       {func(w *world) { w.watch("m") }, 0},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, thrifty(), func(w *world) {
				w.sleep(20 * time.Minute)
				test.begin(w)
				took := w.until(5*time.Minute, "a look", func() bool { return w.lists("m") > 0 })
				assert.InDelta(t, test.after, took, float64(time.Second))
			})
		})
	}
	t.Run("without a limit nothing waits", func(t *testing.T) {
		inWorld(t, poller.Options{Month: &limit{perHour: math.Inf(1)}}, func(w *world) {
			w.create("m")
			w.sleep(time.Second)
			assert.Equal(t, 1, w.lists("m"))
		})
	})
}

// TestUnderALimitPushesAreProvenOverAllMeetings has one meeting's list prove the pushes of another.
func TestUnderALimitPushesAreProvenOverAllMeetings(t *testing.T) {
	month := &limit{perHour: 20}
	inWorld(t, poller.Options{Month: month}, func(w *world) {
		w.create("m")
		w.sleep(time.Second)
		w.prove("m")
		w.create("other")
		w.sleep(50 * time.Minute)
		assert.Zero(t, w.lists("other"), "an hour after the list that proves it")
		assert.LessOrEqual(t, w.lists("m"), 1)
		w.push(joinPush("m", "g", w.now()))
		w.sleep(40 * time.Minute)
		assert.Positive(t, w.lists("other")+w.lists("m")-1, "then it is to be proven again")
		assert.Equal(t, []string{"started"}, w.store.life("other"), "and that is no gap")
		before := w.lists("other")
		w.source.onList(list(present("p", w.now()), present("q", w.now()), present("r", w.now()), present("s", w.now()),
			present("t", w.now()), present("u", w.now()), present("v", w.now()), present("w", w.now())))
		w.sleep(2 * time.Hour)
		assert.Greater(t, w.lists("other"), before+4, "pushes have stopped: lists are to find what they do not tell")
		assert.EqualValues(t, 1, month.missed.Load(), "which the month learns")
	})
}

// TestUnderALimitTheFirstLookWaitsLongerWherePushesAreProven has a meeting begin soon after the list
// that proves them, and one long after.
func TestUnderALimitTheFirstLookWaitsLongerWherePushesAreProven(t *testing.T) {
	inWorld(t, thrifty(), func(w *world) {
		w.create("m")
		w.sleep(time.Second)
		w.prove("m")
		w.create("soon")
		soon := w.until(3*time.Hour, "a look", func() bool { return w.lists("soon")+w.lists("m") > 1 })
		assert.InDelta(t, 90*time.Minute, soon, float64(2*time.Minute), "after the list")
	})
	inWorld(t, thrifty(), func(w *world) {
		w.create("m")
		w.sleep(time.Second)
		w.prove("m")
		w.push(closedAt("m", w.now()))
		w.sleep(2 * time.Hour)
		w.create("late")
		late := w.until(3*time.Hour, "a look", func() bool { return w.lists("late") > 0 })
		assert.InDelta(t, 90*time.Minute, late, float64(2*time.Minute), "after its start")
	})
}

// TestUnderALimitPushesThatRunOutProveNothing has those of the month be used up while lists have
// just proved them.
func TestUnderALimitPushesThatRunOutProveNothing(t *testing.T) {
	month := &limit{perHour: 20}
	inWorld(t, poller.Options{Month: month}, func(w *world) {
		w.create("m")
		w.sleep(time.Second)
		w.prove("m")
		w.create("other")
		w.sleep(5 * time.Minute)
		before := w.lists("m")
		month.gone.Store(true)
		w.sleep(10 * time.Minute)
		assert.Greater(t, w.lists("m"), before)
		assert.Positive(t, w.lists("other"), "which no list has shown yet")
		w.create("new")
		w.sleep(4 * time.Minute)
		assert.Positive(t, w.lists("new"))
	})
}

func TestUnderALimitWhatPushesAskForIsGathered(t *testing.T) {
	inWorld(t, thrifty(), func(w *world) {
		w.watch("m")
		w.sleep(2 * time.Minute)
		before := w.lists("m")
		var looks []int
		for s := range 60 {
			w.push(poller.Notice{ConferenceID: "m", Time: second(w.now()), Look: true})
			w.sleep(time.Second)
			if w.lists("m") > before {
				before, looks = w.lists("m"), append(looks, s)
			}
		}
		assert.Len(t, looks, 5, "the first at once, the others together, the longer the more there are")
		assert.Subset(t, looks, []int{0}, "at once")
		assert.LessOrEqual(t, looks[1], 7, "soon")
		w.sleep(30 * time.Second)
		assert.Equal(t, before+1, w.lists("m"))
		require.NoError(t, w.poller.LookNow("m"))
		w.sleep(2 * time.Second)
		assert.Equal(t, before+2, w.lists("m"), "who waits does not wait for that")
		w.sleep(3 * time.Minute)
		w.push(poller.Notice{ConferenceID: "m", Time: second(w.now()), Look: true})
		w.sleep(time.Second)
		w.push(poller.Notice{ConferenceID: "m", Time: second(w.now()), Look: true})
		w.sleep(8 * time.Second)
		assert.Equal(t, before+4, w.lists("m"), "after a rest as soon as at first")
	})
}

// TestUnderALimitAPushIsEnough has somebody come and go whom no list has shown.
func TestUnderALimitAPushIsEnough(t *testing.T) {
	come := func(w *world) {
		w.create("m")
		w.push(joinPush("m", "ann", 10))
		w.push(joinPush("m", "bob", 11))
	}
	t.Run("one device", func(t *testing.T) {
		inWorld(t, thrifty(), func(w *world) {
			come(w)
			w.push(leavePush("m", "ann", 10, 20))
			w.sleep(time.Minute)
			assert.Equal(t, []string{"1 joined ann", "2 joined bob", "3 left ann"}, w.store.events("m"))
			assert.Zero(t, w.lists("m"))
		})
	})
	t.Run("two devices", func(t *testing.T) {
		inWorld(t, thrifty(), func(w *world) {
			come(w)
			w.push(joinPush("m", "ann", 15))
			w.source.onList(list(gone("ann", 10, 20), present("ann", 15), present("bob", 11)))
			w.push(leavePush("m", "ann", 10, 20))
			w.sleep(time.Minute)
			assert.Equal(t, []string{"1 joined ann", "2 joined bob"}, w.store.events("m"))
			assert.Equal(t, 1, w.lists("m"))
		})
	})
	t.Run("without a limit a look decides", func(t *testing.T) {
		inWorld(t, slow, func(w *world) {
			w.source.onList(failList(trouble(poller.Unavailable)))
			come(w)
			w.push(leavePush("m", "ann", 10, 20))
			assert.Equal(t, []string{"1 joined ann", "2 joined bob"}, w.store.events("m"))
		})
	})
}

// TestUnderALimitAnEndTakesTwoCalls has a meeting end that the organisation's list lacks, or that
// everybody has left.
func TestUnderALimitAnEndTakesTwoCalls(t *testing.T) {
	for name, test := range map[string]struct {
		rows         []diff.Row // of a look before the end is suspected; none when empty
		uncertain    bool
		lists, infos int
	}{
		"somebody was there":     {[]diff.Row{present("ann", 10)}, false, 2, 1},
		"one of two was there":   {[]diff.Row{present("bob", 10), gone("ann", 10, 300)}, false, 2, 1},
		"nobody was there":       {[]diff.Row{gone("ann", 10, 300)}, false, 1, 1},
		"perhaps somebody was":   {[]diff.Row{gone("ann", 10, 300)}, true, 2, 1},
		"the last left long ago": {[]diff.Row{gone("ann", 10, 200)}, false, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, thrifty(), func(w *world) {
				w.source.onList(func(context.Context, string) (poller.List, error) {
					return poller.List{Rows: test.rows, Certain: !test.uncertain}, nil
				})
				w.source.onInfo(goesOn)
				w.sleep(301 * time.Second)
				w.discover("m", 5)
				w.sleep(100 * time.Millisecond)
				w.source.onList(list(gone("ann", 10, 300)))
				w.source.onInfo(endsAt(300))
				w.poller.CheckEnd("m")
				w.sleep(5 * time.Second)
				require.False(t, w.watched("m"))
				assert.Equal(t, []int{test.lists, test.infos}, []int{w.lists("m"), w.infos("m")})
				assert.Equal(t, []string{"started", "ended ended"}, w.store.life("m"))
				assert.GreaterOrEqual(t, len(w.store.events("m")), 2)
			})
		})
	}
}

// TestUnderALimitAnUncertainListDoesNotTellAll has pushes tell that the one who is known has left,
// and a list that is not complete show nobody else.
func TestUnderALimitAnUncertainListDoesNotTellAll(t *testing.T) {
	inWorld(t, thrifty(), func(w *world) {
		w.source.onInfo(goesOn)
		w.source.onList(func(context.Context, string) (poller.List, error) {
			return poller.List{Rows: []diff.Row{gone("ann", 10, 100)}}, nil
		})
		w.sleep(10 * time.Second)
		w.create("m")
		w.push(joinPush("m", "ann", 10))
		w.sleep(90 * time.Second)
		w.push(leavePush("m", "ann", 10, 100))
		require.NoError(t, w.poller.LookNow("m"))
		w.sleep(2 * time.Second)
		w.source.onList(list(gone("ann", 10, 100), gone("bob", 10, 100)))
		w.source.onInfo(endsAt(100))
		w.poller.CheckEnd("m")
		w.sleep(5 * time.Second)
		require.False(t, w.watched("m"))
		assert.Equal(t, []string{"1 joined ann", "2 left ann", "3 joined bob", "4 left bob"}, w.store.events("m"))
	})
}

// TestUnderALimitAPushedEndIsNotLookedForTwice has DingTalk drop a meeting as soon as it is over.
func TestUnderALimitAPushedEndIsNotLookedForTwice(t *testing.T) {
	inWorld(t, thrifty(), func(w *world) {
		w.source.onList(failList(trouble(poller.NotFound)))
		w.create("m")
		w.push(joinPush("m", "ann", 0))
		w.sleep(10 * time.Second)
		w.push(closedAt("m", 10))
		w.sleep(time.Second)
		assert.False(t, w.watched("m"))
		assert.Equal(t, []int{1, 0}, []int{w.lists("m"), w.infos("m")})
		assert.Equal(t, []string{"1 joined ann", "2 meeting_ended ann"}, w.store.events("m"))
	})
}

func TestUnderALimitNoInformationIsAskedForThatOthersTell(t *testing.T) {
	inWorld(t, thrifty(), func(w *world) {
		w.source.onList(list(present("ann", 10)))
		w.create("m")
		w.sleep(100 * time.Minute)
		assert.Zero(t, w.infos("m"))
		assert.Greater(t, w.lists("m"), 3)
		w.sleep(time.Hour)
		assert.Equal(t, 1, w.infos("m"), "nobody tells whether it goes on")
		assert.Equal(t, []string{"started"}, w.store.life("m"), "no gap")
	})
}

func TestTheMonthLearnsWhatCallsAreNeededFor(t *testing.T) {
	month := &limit{perHour: 20}
	inWorld(t, poller.Options{Month: month}, func(w *world) {
		w.create("told")
		w.discover("found", 0)
		w.push(joinPush("pushed", "ann", 10))
		w.push(joinPush("pushed", "bob", 11))
		w.watch("asked")
		w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil })
		w.sleep(time.Hour)
		month.mu.Lock()
		defer month.mu.Unlock()
		assert.Equal(t, []string{"told", "found", "told, when is not known", "found, when is not known"}, month.begun)
		assert.Equal(t, 3, month.told)
		assert.InDelta(t, 4, month.hours, 0.1)
	})
}

// TestUnderALimitTheFirstLookWaitsForOthersToo has one replica hear of a meeting that the other looks
// at.
func TestUnderALimitTheFirstLookWaitsForOthersToo(t *testing.T) {
	inReplicas(t, 2, thrifty(), func(r *replicas) {
		r.sleep(10 * time.Second)
		r.each[1].create("m")
		r.sleep(2 * time.Minute)
		assert.Zero(t, len(r.source.listCalls("m"))+len(r.source.infoCalls("m")))
		r.sleep(time.Minute)
		assert.Equal(t, 1, len(r.source.listCalls("m"))+len(r.source.infoCalls("m")))
		r.each[1].watch("asked")
		r.sleep(2 * time.Second)
		assert.NotEmpty(t, r.source.listCalls("asked"), "who asks does not wait")
	})
}

func (w *world) unlisted(before time.Time) []string {
	w.Helper()
	out, err := w.poller.Unlisted(w.ctx, before)
	require.NoError(w, err)
	return out
}

// TestUnlistedAreThoseOfAllReplicas has one replica be asked about a meeting that the other looks
// at.
func TestUnlistedAreThoseOfAllReplicas(t *testing.T) {
	inReplicas(t, 2, thrifty(), func(r *replicas) {
		r.source.onList(list(gone("ann", 10, 20)))
		r.sleep(30 * time.Second)
		r.each[0].create("m")
		r.each[0].create("over")
		r.sleep(2 * time.Minute)
		r.each[0].push(closedAt("over", r.each[0].now()))
		r.sleep(time.Minute)
		for _, w := range r.each {
			assert.Equal(t, []string{"m"}, w.unlisted(time.Now().Add(-90*time.Second)))
			assert.Empty(t, w.unlisted(time.Now().Add(-5*time.Minute)))
		}
	})
}

// TestUnderALimitWhatAnotherReplicaHeardIsNotAskedFor has a push about somebody be the first that
// is heard of a meeting.
func TestUnderALimitWhatAnotherReplicaHeardIsNotAskedFor(t *testing.T) {
	inReplicas(t, 2, thrifty(), func(r *replicas) {
		r.source.onList(list(present("ann", 10)))
		r.sleep(10 * time.Second)
		r.each[0].push(joinPush("m", "ann", 10))
		r.each[1].push(joinPush("other", "ann", 10))
		r.sleep(time.Minute)
		assert.Empty(t, append(r.source.infoCalls("m"), r.source.infoCalls("other")...))
	})
}

// TestUnlisted are those that the organisation's list should show.
func TestUnlisted(t *testing.T) {
	inWorld(t, thrifty(), func(w *world) {
		w.source.onList(list(present("ann", 10)))
		w.create("old")
		w.sleep(2 * time.Minute)
		w.create("new")
		w.sleep(time.Minute)
		assert.Equal(t, []string{"old"}, w.unlisted(time.Now().Add(-90*time.Second)))
		w.source.onInfo(failInfo(trouble(poller.Unavailable)))
		w.source.onList(failList(trouble(poller.Unavailable)))
		w.push(closedAt("old", w.now()))
		w.sleep(5 * time.Second)
		require.True(t, w.watched("old"))
		assert.Equal(t, []string{"new"}, w.unlisted(time.Now()), "a push says that the other is over")
	})
	inWorld(t, poller.Options{}, func(w *world) {
		w.create("m")
		w.sleep(time.Minute)
		assert.Empty(t, w.unlisted(time.Now()), "without a limit")
	})
}

// TestUnderALimitGuestsDisproveNothing: no push can name them.
func TestUnderALimitGuestsDisproveNothing(t *testing.T) {
	inWorld(t, thrifty(), func(w *world) {
		w.create("m")
		w.sleep(time.Second)
		rows := w.prove("m")
		for _, nick := range []string{"g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8"} {
			rows = append(rows, diff.Row{UserNick: nick, JoinTime: second(w.now()), Status: diff.StatusActive})
		}
		w.source.onList(list(rows...))
		w.sleep(time.Minute)
		require.NoError(t, w.poller.LookNow("m"))
		w.sleep(2 * time.Second)
		require.Len(t, w.store.events("m"), 14)
		before := w.lists("m")
		w.sleep(30 * time.Minute)
		assert.Equal(t, before, w.lists("m"))
	})
}
