package poller_test

import (
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// inOddClocks runs a test with two replicas, the clock of one of which is an hour off: of the
// first, which has all shards, or of the second, ahead or behind.
func inOddClocks(t *testing.T, test func(r *replicas)) {
	t.Helper()
	for _, fast := range [][]time.Duration{{time.Hour, 0}, {-time.Hour, 0}, {0, time.Hour}, {0, -time.Hour}} {
		t.Run(fmt.Sprint(fast), func(t *testing.T) {
			inReplicas(t, 2, poller.Options{}, test, fast...)
		})
	}
}

// boundsAgree holds every event to bounds that do not contradict each other.
func (r *replicas) boundsAgree() {
	r.Helper()
	for _, e := range r.store.list() {
		if m := e.Member; m != nil {
			assert.LessOrEqual(r, m.ObservedAfter, m.ObservedBefore, "%s of %s", e.Type, e.Subject)
			assert.True(r, m.LeaveTime == 0 || m.LeaveTime >= m.JoinTime)
		}
		if e.Gap != nil && e.Gap.To > 0 {
			assert.GreaterOrEqual(r, e.Gap.To, e.Gap.From)
		}
	}
}

// TestClocksAnHourApartLoseNothing has both replicas look and take pushes in turn, and hands the
// meeting over.
func TestClocksAnHourApartLoseNothing(t *testing.T) {
	inOddClocks(t, func(r *replicas) {
		rows := []diff.Row{present("ann", 0)}
		want := []string{"1 joined ann"}
		r.source.onList(list(rows...))
		r.each[0].watch("m")
		r.sleep(10 * time.Second)
		for i := range int64(6) {
			who := fmt.Sprint("bob", i)
			rows = append(rows, present(who, 10+i))
			if i%3 == 0 {
				r.each[i%2].push(joinPush("m", who, 10+i))
			}
			r.source.onList(list(rows...))
			r.sleep(70 * time.Second)
			want = append(want, fmt.Sprintf("%d joined %s", i+2, who))
			require.Equal(r, want, r.store.events("m"))
			r.move(int(i%2), int(i+1)%2, everyShard()...)
		}
		rows[0] = gone("ann", 0, 100)
		r.source.onList(list(rows...))
		r.sleep(70 * time.Second)
		assert.Equal(r, append(want, "8 left ann"), r.store.events("m"))
		r.boundsAgree()
	})
}

// TestClocksAnHourApartSeeEveryGap has no look at the meeting for two minutes, twice, and the
// other replica look in between.
func TestClocksAnHourApartSeeEveryGap(t *testing.T) {
	inOddClocks(t, func(r *replicas) {
		r.source.onList(list(present("ann", 0)))
		r.each[0].watch("m")
		r.sleep(10 * time.Second)
		for i := range 2 {
			r.source.onList(failList(trouble(poller.Unavailable)))
			r.source.onInfo(failInfo(trouble(poller.Unavailable)))
			r.sleep(2 * time.Minute)
			life := r.store.life("m")
			require.Len(r, life, 2+2*i, "%v", life)
			r.source.onList(list(present("ann", 0), present(fmt.Sprint("bob", i), 20)))
			r.source.onInfo(newSource().info)
			r.sleep(2 * time.Minute)
			require.Len(r, r.store.life("m"), 3+2*i, "%v", r.store.life("m"))
			require.NoError(r, r.each[1].poller.LookNow("m"))
			r.sleep(10 * time.Second)
		}
		r.boundsAgree()
	})
}

// TestClocksAnHourApartKnowWhenNobodyLooked hands a meeting over and back, at once or after a
// while.
func TestClocksAnHourApartKnowWhenNobodyLooked(t *testing.T) {
	for name, test := range map[string]struct {
		nobody time.Duration
		gap    string // empty when there is none
	}{
		"at once":      {0, ""},
		"soon":         {20 * time.Second, ""},
		"after a bit":  {2 * time.Minute, "^gap down of 2m"},
		"after longer": {70 * time.Minute, "^gap down of 1"}, // a gap before may seem to have ended in this one
	} {
		t.Run(name, func(t *testing.T) {
			inOddClocks(t, func(r *replicas) {
				r.source.onList(list(present("ann", 0)))
				r.each[0].watch("m")
				r.sleep(10 * time.Second)
				life := []string{"started"}
				for i := range 4 {
					if i == 2 {
						r.source.onList(list(present("ann", 0), present("bob", 20))) // a look that is stored
						r.sleep(2 * time.Minute)
					}
					r.shares[i%2].take(everyShard()...)
					require.NoError(r, r.each[i%2].poller.Quiet(r.ctx))
					r.sleep(test.nobody)
					r.shares[1-i%2].give(everyShard()...)
					r.sleep(2 * time.Minute)
					got := r.store.life("m")
					if test.gap == "" {
						require.Equal(r, life, got)
						continue
					}
					require.Len(r, got, len(life)+2, "%v", got)
					require.Equal(r, "gap down", got[len(life)])
					require.Regexp(r, test.gap, got[len(life)+1])
					life = got
				}
				r.boundsAgree()
			})
		})
	}
}

// TestAClockThatIsOffEndsMeetings has pushes tell of an end, and of one before the meeting was
// watched.
func TestAClockThatIsOffEndsMeetings(t *testing.T) {
	for _, off := range []time.Duration{0, time.Hour, -time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			opts := slow
			opts.Clock = func() time.Time { return time.Now().Add(off) }
			inWorld(t, opts, func(w *world) {
				w.sleep(time.Minute)
				w.source.onList(list(present("ann", 50)))
				w.watch("m")
				w.sleep(90 * time.Second)
				w.push(closedAt("m", 40))
				w.sleep(time.Minute)
				require.True(w, w.watched("m"), "an earlier end")
				w.source.onList(list(gone("ann", 50, 140)))
				w.source.onInfo(endsAt(141))
				w.push(closedAt("m", 141))
				w.sleep(10 * time.Second)
				require.False(w, w.watched("m"))
				if off >= 0 { // else the end is yet to come by this clock
					assert.Equal(w, second(141), w.store.state("m").EndTime)
				}
			})
		})
	}
}

// TestAClockThatIsSet has the wall clock set, forwards and back, while a meeting is looked at and
// while it is not.
func TestAClockThatIsSet(t *testing.T) {
	for _, step := range []time.Duration{time.Hour, 100 * time.Second, -100 * time.Second, -140 * time.Second, -time.Hour} {
		t.Run(step.String(), func(t *testing.T) {
			var set atomic.Int64
			clock := func() time.Time { return time.Now().Add(time.Duration(set.Load())) }
			inWorld(t, poller.Options{Clock: clock}, func(w *world) {
				w.source.onList(list(present("ann", 0)))
				w.watch("m")
				w.sleep(10 * time.Second)
				set.Add(int64(step))
				w.sleep(2 * time.Minute)
				require.Equal(w, []string{"started"}, w.store.life("m"))
				w.source.onList(failList(trouble(poller.Unavailable)))
				w.source.onInfo(failInfo(trouble(poller.Unavailable)))
				w.sleep(5 * time.Second)
				set.Add(int64(step))
				w.sleep(2 * time.Minute)
				require.Equal(w, []string{"started", "gap unavailable"}, w.store.life("m"))
				w.source.onList(list(present("ann", 0), present("bob", 20)))
				w.source.onInfo(newSource().info)
				w.sleep(2 * time.Minute)
				all := w.store.list()
				gap := all[slices.IndexFunc(all, func(e events.Event) bool { return e.Gap != nil && e.Gap.To > 0 })].Gap
				assert.GreaterOrEqual(w, gap.To, gap.From)
				assert.Less(w, gap.To-gap.From, 4*time.Minute.Milliseconds())
			})
		})
	}
}

// TestClocksAnHourApartWatchAgain ends a meeting, nobody knows when, and reports it again at the
// other replica.
func TestClocksAnHourApartWatchAgain(t *testing.T) {
	for name, again := range map[string]func(w *world) error{
		"pushed": func(w *world) error { return w.poller.Notice(w.ctx, joinPush("m", "ann", 100)) },
		"listed": func(w *world) error {
			_, err := w.poller.Discover(w.ctx, "m", diff.Description{}, time.Now().Add(time.Second))
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, fast := range [][]time.Duration{{time.Hour, 0}, {-time.Hour, 0}} {
				inReplicas(t, 2, poller.Options{}, func(r *replicas) {
					r.source.onList(list(present("ann", 1)))
					r.each[0].watch("m")
					r.sleep(10 * time.Second)
					r.source.onList(failList(trouble(poller.NotFound)))
					r.source.onInfo(failInfo(trouble(poller.NotFound)))
					r.sleep(time.Minute)
					require.False(r, r.each[0].watched("m"))
					r.source.onList(list(gone("ann", 1, 30), present("ann", 100)))
					r.source.onInfo(newSource().info)
					require.NoError(r, again(r.each[1]))
					r.sleep(10 * time.Second)
					all := r.store.list()
					assert.Equal(r, events.Joined, all[len(all)-1].Type)
					r.boundsAgree()
				}, fast...)
			}
		})
	}
}
