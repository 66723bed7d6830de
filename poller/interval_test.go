package poller_test

import (
	"context"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// changing is a list that is never the same twice.
func changing() listFunc {
	n := int64(0)
	return func(context.Context, string) (poller.List, error) {
		n++
		return poller.List{Rows: []diff.Row{gone("ann", n*10, n*10+5)}, Certain: true}, nil
	}
}

// gaps are the times between calls.
func gaps(times []time.Duration) []time.Duration {
	out := make([]time.Duration, 0, len(times))
	for i := 1; i < len(times); i++ {
		out = append(out, times[i]-times[i-1])
	}
	return out
}

func TestIntervalStaysWithinItsBounds(t *testing.T) {
	tests := map[string]struct {
		opts     poller.Options
		changing bool
		run      time.Duration
		last     time.Duration // the interval at the end, but for the jitter
	}{
		"quiet, defaults":          {opts: poller.Options{}, run: time.Hour, last: time.Minute},
		"changing, defaults":       {opts: poller.Options{}, changing: true, run: time.Minute, last: time.Second},
		"quiet, both bounds equal": {opts: poller.Options{MinInterval: 5 * time.Second, MaxInterval: 5 * time.Second}, run: time.Minute, last: 5 * time.Second},
		"changing, bounds equal":   {opts: poller.Options{MinInterval: 5 * time.Second, MaxInterval: 5 * time.Second}, changing: true, run: time.Minute, last: 5 * time.Second},
		"quiet, a millisecond":     {opts: poller.Options{MinInterval: time.Millisecond, MaxInterval: time.Millisecond}, run: time.Second, last: time.Millisecond},
		"quiet, tiny to small":     {opts: poller.Options{MinInterval: time.Millisecond, MaxInterval: 50 * time.Millisecond}, run: time.Second, last: 50 * time.Millisecond},
		"only a long minimum":      {opts: poller.Options{MinInterval: 2 * time.Minute}, run: time.Hour, last: 2 * time.Minute},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			inWorld(t, test.opts, func(w *world) {
				shortest, longest := test.opts.MinInterval, test.opts.MaxInterval
				if shortest == 0 {
					shortest = time.Second
				}
				if longest == 0 {
					longest = max(time.Minute, shortest)
				}
				if test.changing {
					w.source.onList(changing())
				}
				w.watch("m")
				w.sleep(test.run)
				late := min(shortest/20, 50*time.Millisecond)
				between := gaps(w.source.listCalls("m"))
				require.NotEmpty(t, between)
				for i, gap := range between {
					assert.GreaterOrEqual(t, gap, shortest, "look %d", i+1)
					assert.LessOrEqual(t, gap, longest+late, "look %d", i+1)
				}
				assert.InDelta(t, test.last, between[len(between)-1], float64(test.last/10+late))
				status, _, err := w.poller.Meeting(w.ctx, "m")
				require.NoError(t, err)
				assert.Equal(t, test.last, status.Interval)
			})
		})
	}
}

func TestIntervalFollowsChanges(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		interval := func() time.Duration {
			status, _, err := w.poller.Meeting(w.ctx, "m")
			require.NoError(t, err)
			return status.Interval
		}
		w.sleep(10 * time.Millisecond)
		assert.Less(t, interval(), 5*time.Second, "at the beginning")
		w.sleep(time.Hour)
		assert.Equal(t, time.Minute, interval(), "after many quiet looks")
		w.source.onList(list(present("ann", 3600)))
		w.until(time.Minute, "a change", func() bool { return interval() < 10*time.Second })
		before := len(w.source.listCalls("m"))
		w.sleep(10 * time.Second)
		assert.Greater(t, len(w.source.listCalls("m")), before, "more may follow")
		w.sleep(10 * time.Minute)
		assert.Greater(t, interval(), 20*time.Second, "and then does not")
	})
}

// scarce is a rate that can be changed.
type scarce struct{ atomic.Uint64 }

func (s *scarce) set(perSecond float64) { s.Store(math.Float64bits(perSecond)) }
func (s *scarce) now() float64          { return math.Float64frombits(s.Load()) }

// TestScarceCalls holds the calls for many meetings to the rate, the information calls included,
// and goes back to the usual pace soon after there are more.
func TestScarceCalls(t *testing.T) {
	var rate scarce
	rate.set(2)
	inWorld(t, poller.Options{Rate: rate.now}, func(w *world) {
		w.watch(names(400)...)
		w.sleep(time.Hour)
		before, infos := w.source.calls(), w.source.infoCount()
		w.sleep(time.Hour)
		assert.InDelta(t, 7200, w.source.calls()-before, 7200/4)
		assert.Greater(t, w.source.infoCount()-infos, 1000, "some of them for ends")
		rate.set(1e-6)
		w.sleep(time.Hour)
		before = w.source.calls()
		w.sleep(time.Hour)
		assert.LessOrEqual(t, w.source.calls()-before, 1, "no calls are left")
		rate.set(100)
		earlier := w.source.reads()
		w.sleep(3 * time.Minute)
		for id, n := range w.source.reads() {
			assert.Greater(t, n, earlier[id], "there is a look at %s again", id)
		}
	})
}

// TestLongList is about lists that take many calls: the head-count comes first, and the list all
// the same at times.
func TestLongList(t *testing.T) {
	rows := []diff.Row{present("ann", 0), present("bob", 0)}
	heads, attended := 2, 2
	steady := poller.Options{MinInterval: 10 * time.Second, MaxInterval: 10 * time.Second}
	inWorld(t, steady, func(w *world) {
		w.source.onList(func(context.Context, string) (poller.List, error) {
			return poller.List{Rows: rows, Certain: true, Calls: 5}, nil
		})
		w.source.onInfo(func(context.Context, string) (poller.Info, error) {
			return poller.Info{ActiveCount: heads, AttendedCount: attended}, nil
		})
		w.watch("m")
		w.sleep(10 * time.Minute)
		before := len(w.source.listCalls("m"))
		w.sleep(10 * time.Minute)
		assert.InDelta(t, 15, len(w.source.listCalls("m"))-before, 2, "every fourth look")
		rows, heads, attended = append(slices.Clip(rows), present("cyd", 1200)), 3, 3
		w.until(11*time.Second, "another head", func() bool { return len(w.store.events("m")) == 3 })
		w.sleep(time.Minute)
		rows, attended = append(slices.Clip(rows[:2]), gone("cyd", 1200, 1300), present("dan", 1300)), 4
		w.until(11*time.Second, "somebody else's head", func() bool { return len(w.store.events("m")) == 5 })
		rows = append(slices.Clip(rows[1:]), gone("ann", 0, 1300), present("ann", 1305))
		w.until(45*time.Second, "what heads do not show", func() bool { return len(w.store.events("m")) > 5 })
		w.source.onInfo(failInfo(trouble(poller.Unavailable)))
		w.sleep(time.Minute)
		before = len(w.source.listCalls("m"))
		w.sleep(time.Minute)
		assert.InDelta(t, 6, len(w.source.listCalls("m"))-before, 1, "without the count")
	})
}

func TestJitterKeepsMeetingsApart(t *testing.T) {
	inWorld(t, poller.Options{MinInterval: time.Second, MaxInterval: 10 * time.Second}, func(w *world) {
		w.watch("a", "b")
		w.sleep(5 * time.Minute)
		a, b := w.source.listCalls("a"), w.source.listCalls("b")
		together := 0
		for _, at := range a {
			if slices.Contains(b, at) {
				together++
			}
		}
		assert.Less(t, together, len(a)/2, "more than by chance")
	})
}

func TestFirstLookAtOnce(t *testing.T) {
	inWorld(t, poller.Options{MinInterval: time.Minute}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.sleep(time.Hour)
		w.watch("m")
		w.sleep(0)
		assert.Equal(t, []time.Duration{time.Hour}, w.source.listCalls("m"))
		assert.Equal(t, []time.Duration{time.Hour}, w.source.infoCalls("m"), "who it is")
		assert.Equal(t, []string{"1 joined ann"}, w.store.events("m"))
	})
}

// TestQuietMeetingIsCheap counts the calls that an hour of a meeting costs where nothing happens.
func TestQuietMeetingIsCheap(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.watch("m")
		w.sleep(10 * time.Minute)
		before := w.source.calls()
		w.sleep(time.Hour)
		assert.LessOrEqual(t, w.source.calls()-before, 320)
	})
}

func TestAbsenceIsLookedAtAgainSoon(t *testing.T) {
	inWorld(t, poller.Options{MinInterval: 10 * time.Second, MaxInterval: time.Hour}, func(w *world) {
		w.source.onList(list(present("ann", 0), present("bob", 0)))
		w.watch("m")
		w.sleep(time.Minute)
		w.source.onList(list(present("bob", 0)))
		before := len(w.source.listCalls("m"))
		w.until(time.Hour, "a look", func() bool { return len(w.source.listCalls("m")) > before })
		w.sleep(1900 * time.Millisecond)
		assert.Equal(t, []string{"1 joined ann", "2 joined bob"}, w.store.events("m"), "one list proves nothing")
		w.sleep(200 * time.Millisecond)
		assert.Equal(t, []string{"1 joined ann", "2 joined bob", "3 vanished ann"}, w.store.events("m"))
	})
}

func TestUncertainListProvesNoAbsence(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onList(list(present("ann", 0)))
		w.watch("m")
		w.sleep(10 * time.Second)
		w.source.onList(uncertain(present("bob", 5)))
		w.sleep(10 * time.Minute)
		assert.Equal(t, []string{"1 joined ann", "2 joined bob"}, w.store.events("m"))
		assert.NotZero(t, w.poller.Counts().Uncertain)
	})
}

// TestHeadCount is about the cheap call that tells whether a list is worth reading.
func TestHeadCount(t *testing.T) {
	heads := func(n int) infoFunc {
		return func(context.Context, string) (poller.Info, error) { return poller.Info{ActiveCount: n}, nil }
	}
	quiet := func(w *world, n int) {
		w.source.onList(list(present("ann", 0), present("bob", 0)))
		w.source.onInfo(heads(n))
		w.watch("m")
		w.sleep(2 * time.Hour)
	}
	for name, counted := range map[string]int{"counts people": 2, "counts something else": 7, "is not given": 0} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, hourly, func(w *world) {
				quiet(w, counted)
				before := len(w.source.listCalls("m"))
				w.sleep(50 * time.Minute)
				assert.LessOrEqual(t, len(w.source.listCalls("m")), before+1, "nothing moved")
				w.source.onList(list(present("ann", 0), present("bob", 0), present("cyd", 7200)))
				w.source.onInfo(heads(counted + 1))
				w.until(16*time.Second, "the change", func() bool { return len(w.store.events("m")) == 3 })
				w.sleep(30 * time.Second)
				w.source.onList(list(present("ann", 0), present("bob", 0), gone("cyd", 7200, 7300)))
				w.source.onInfo(heads(counted))
				w.until(16*time.Second, "the change back", func() bool { return len(w.store.events("m")) == 4 })
			})
		})
	}
	t.Run("a change whose list fails is not forgotten", func(t *testing.T) {
		inWorld(t, hourly, func(w *world) {
			quiet(w, 2)
			w.source.onInfo(heads(3))
			w.source.onList(failList(trouble(poller.Unavailable)))
			w.sleep(20 * time.Second)
			w.source.onList(list(present("ann", 0), present("bob", 0), present("cyd", 7200)))
			w.until(15*time.Second, "the change", func() bool { return len(w.store.events("m")) == 3 })
		})
	})
}

func TestDescription(t *testing.T) {
	inWorld(t, poller.Options{}, func(w *world) {
		w.source.onInfo(func(context.Context, string) (poller.Info, error) {
			return poller.Info{Title: "Weekly", CreatorID: "ann", CreatorNick: "Ann", StartTime: second(1)}, nil
		})
		_, err := w.poller.Watch(w.ctx, "named", "My own")
		require.NoError(t, err)
		w.watch("nameless")
		w.sleep(time.Minute)
		for id, title := range map[string]string{"named": "My own", "nameless": "Weekly"} {
			status, state, err := w.poller.Meeting(w.ctx, id)
			require.NoError(t, err)
			assert.Equal(t, title, status.Title)
			assert.Equal(t, []any{"ann", "Ann", second(1)}, []any{status.CreatorID, status.CreatorNick, status.StartTime})
			assert.Equal(t, title, state.Title)
			assert.Equal(t, title, w.store.state(id).Title, "a description survives a restart")
		}
		stored := w.store.state("named")
		w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil })
		w.sleep(time.Minute)
		assert.Same(t, stored, w.store.state("named"), "an answer that says less changes nothing")
	})
}

func TestOptions(t *testing.T) {
	tests := map[string]struct {
		opts poller.Options
		says string
	}{
		"shorter than a millisecond": {poller.Options{MinInterval: time.Microsecond}, "MinInterval 1µs"},
		"negative":                   {poller.Options{MinInterval: -1}, "MinInterval -1ns"},
		"maximum below minimum":      {poller.Options{MinInterval: time.Minute, MaxInterval: time.Second}, "MaxInterval 1s"},
		"negative workers":           {poller.Options{Workers: -1}, "Workers -1"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := poller.New(newSource(), newStore(), test.opts)
			assert.ErrorContains(t, err, test.says)
		})
	}
}
