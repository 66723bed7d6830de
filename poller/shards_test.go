package poller_test

import (
	"context"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// share is what one replica has of the shards.
type share struct {
	mu      sync.Mutex
	shards  map[int]bool
	changed chan struct{}
}

var _ poller.Shards = (*share)(nil)

func newShare() *share { return &share{shards: map[int]bool{}, changed: make(chan struct{}, 1)} }

// Owns implements [poller.Shards].
func (s *share) Owns(shard int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shards[shard]
}

// Changed implements [poller.Shards].
func (s *share) Changed() <-chan struct{} { return s.changed }

// set gives or takes shards, and tells of it unless silently.
func (s *share) set(owns bool, silently bool, shards ...int) {
	s.mu.Lock()
	for _, shard := range shards {
		s.shards[shard] = owns
	}
	s.mu.Unlock()
	if silently {
		return
	}
	select {
	case s.changed <- struct{}{}:
	default:
	}
}

func (s *share) give(shards ...int) { s.set(true, false, shards...) }
func (s *share) take(shards ...int) { s.set(false, false, shards...) }

// everyShard lists all shards.
func everyShard() []int {
	out := make([]int, events.Shards)
	for i := range out {
		out[i] = i
	}
	return out
}

// replicas are several pollers in one bubble, on one store and one upstream.
type replicas struct {
	*world
	each   []*world
	shares []*share
}

// inReplicas runs a test in a bubble with n pollers of which the first has all shards. fast is how
// far the clock of each is ahead.
func inReplicas(t *testing.T, n int, opts poller.Options, test func(r *replicas), fast ...time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &replicas{world: &world{T: t, source: newSource(), store: newStore()}}
		for i := range n {
			s := newShare()
			if i == 0 {
				s.give(everyShard()...)
			}
			opts.Shards = s
			if len(fast) > 0 {
				opts.Clock = func() time.Time { return time.Now().Add(fast[i]) }
			}
			w := &world{T: t, source: r.source.twin(), store: r.store}
			w.run(opts)
			<-w.poller.Ready()
			r.each, r.shares = append(r.each, w), append(r.shares, s)
		}
		r.ctx = r.each[0].ctx
		defer func() { // also when a test is given up: time goes on for ever in a bubble that does not end
			for _, w := range r.each {
				w.stop()
			}
		}()
		test(r)
	})
}

// move gives the shards of one replica to another, as soon as the first looks at them no more.
func (r *replicas) move(from, to int, shards ...int) {
	r.shares[from].take(shards...)
	require.NoError(r, r.each[from].poller.Quiet(r.ctx))
	r.shares[to].give(shards...)
	synctest.Wait()
}

func TestAMeetingIsLookedAtByItsOwner(t *testing.T) {
	inReplicas(t, 2, poller.Options{}, func(r *replicas) {
		r.source.onList(list(present("ann", 0)))
		ids := names(20)
		var half []int
		for shard := range events.Shards / 2 {
			half = append(half, shard)
		}
		r.move(0, 1, half...)
		for i, id := range ids {
			created, err := r.each[i%2].poller.Watch(r.ctx, id, "")
			require.NoError(r, err)
			assert.True(r, created)
			again, err := r.each[(i+1)%2].poller.Watch(r.ctx, id, "")
			require.NoError(r, err)
			assert.False(r, again, "whomever one asks")
		}
		r.sleep(time.Minute)
		for _, id := range ids {
			owner := 0
			if events.Shard(id) < events.Shards/2 {
				owner = 1
			}
			assert.NotEmpty(r, r.each[owner].source.listCalls(id), id)
			assert.Empty(r, r.each[1-owner].source.listCalls(id), id)
			assert.Contains(r, watchedIDs(r.each[owner].poller), id)
			assert.NotContains(r, watchedIDs(r.each[1-owner].poller), id)
			for _, w := range r.each {
				status, state, err := w.poller.Meeting(r.ctx, id)
				require.NoError(r, err)
				assert.Equal(r, 1, status.Active)
				assert.Equal(r, 1, state.Size())
			}
			assert.Equal(r, []string{"1 joined ann"}, r.store.events(id))
			assert.Equal(r, []string{"started"}, r.store.life(id))
		}
		assert.Equal(r, len(ids), r.each[0].poller.Counts().Meetings+r.each[1].poller.Counts().Meetings)
	})
}

func TestAPushIsStoredWhoeverGetsIt(t *testing.T) {
	inReplicas(t, 2, slow, func(r *replicas) {
		r.each[0].watch("m")
		r.sleep(time.Minute)
		lists := len(r.source.listCalls("m"))
		r.each[1].push(joinPush("m", "ann", 60))
		assert.Equal(r, []string{"1 joined ann"}, r.store.events("m"))
		r.sleep(time.Second)
		status, _, err := r.each[0].poller.Meeting(r.ctx, "m")
		require.NoError(r, err)
		assert.Equal(r, 1, status.Active, "the owner has heard of it")
		assert.Len(r, r.source.listCalls("m"), lists, "a join needs no look")
		r.each[0].push(joinPush("m", "bob", 61))
		r.each[1].push(joinPush("m", "cyd", 62))
		assert.Equal(r, []string{"1 joined ann", "2 joined bob", "3 joined cyd"}, r.store.events("m"))
		r.sleep(time.Minute)
		assert.Zero(r, r.each[1].source.calls())
		assert.Empty(r, r.each[1].poller.Meetings())
	})
}

func TestWhoeverGetsAPushLooksIfItSaysTooLittle(t *testing.T) {
	inReplicas(t, 2, slow, func(r *replicas) {
		r.each[0].watch("m")
		r.sleep(time.Minute)
		r.source.onList(list(present("ann", 60)))
		for range 100 {
			r.each[1].push(poller.Notice{ConferenceID: "m", Time: second(60), Look: true})
			r.sleep(50 * time.Millisecond)
		}
		assert.Equal(r, []string{"1 joined ann"}, r.store.events("m"), "within five seconds")
		assert.Len(r, r.each[0].source.listCalls("m"), 1, "the first look")
		assert.LessOrEqual(r, len(r.each[1].source.listCalls("m")), 3, "a storm of pushes is no storm of calls")
		r.sleep(10 * time.Minute)
		assert.LessOrEqual(r, len(r.each[1].source.listCalls("m")), 4, "then it is the owner's again")
	})
}

// TestGuestsKeepUp has one push about a meeting follow another that somebody else got in between.
func TestGuestsKeepUp(t *testing.T) {
	inReplicas(t, 2, slow, func(r *replicas) {
		r.source.onList(list(present("ann", 0)))
		r.each[0].watch("m")
		r.sleep(time.Minute)
		r.each[1].push(joinPush("m", "bob", 60))
		r.each[0].push(leavePush("m", "ann", 0, 61))
		r.sleep(0)
		require.Equal(r, []string{"1 joined ann", "2 joined bob", "3 left ann"}, r.store.events("m"))
		r.each[1].push(joinPush("m", "ann", 0))
		r.sleep(4 * time.Second)
		assert.Len(r, r.each[1].source.listCalls("m"), 1, "an old push or a new device: a look decides")
		r.sleep(10 * time.Second)
		assert.Zero(r, r.each[1].poller.Table(), "guests leave")
		assert.Equal(r, 1, r.each[0].poller.Table())
	})
}

// TestAGuestThatBecomesOursIsLookedAt at once.
func TestAGuestThatBecomesOursIsLookedAt(t *testing.T) {
	inReplicas(t, 2, slow, func(r *replicas) {
		r.each[0].watch("m")
		r.sleep(time.Minute)
		r.each[1].push(joinPush("m", "ann", 60))
		r.move(0, 1, everyShard()...)
		r.sleep(100 * time.Millisecond)
		assert.Len(r, r.each[1].source.listCalls("m"), 1)
	})
}

// TestALookThatFailsIsTriedAgain also where the meeting is a guest, though not for ever.
func TestALookThatFailsIsTriedAgain(t *testing.T) {
	inReplicas(t, 2, slow, func(r *replicas) {
		r.each[0].watch("m")
		r.sleep(time.Minute)
		r.source.onList(failList(trouble(poller.Unavailable)))
		r.each[1].push(poller.Notice{ConferenceID: "m", Time: second(60), Look: true})
		r.sleep(3 * time.Second)
		r.source.onList(list(present("ann", 60)))
		r.sleep(10 * time.Second)
		assert.Equal(r, []string{"1 joined ann"}, r.store.events("m"))
		r.source.onList(failList(trouble(poller.Denied)))
		before := len(r.each[1].source.listCalls("m"))
		r.each[1].push(poller.Notice{ConferenceID: "m", Time: second(60), Look: true})
		r.sleep(50 * time.Minute)
		calls := len(r.each[1].source.listCalls("m")) - before
		assert.Greater(r, calls, 2)
		assert.Less(r, calls, 8)
	})
}

func TestTheEndIsHandledByWhoeverHearsOfIt(t *testing.T) {
	for name, end := range map[string]func(r *replicas){
		"a push": func(r *replicas) {
			r.each[1].push(poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(72)})
		},
		"the list of live meetings": func(r *replicas) { r.each[1].poller.CheckEnd("m") },
	} {
		t.Run(name, func(t *testing.T) {
			inReplicas(t, 2, slow, func(r *replicas) {
				r.source.onList(list(present("ann", 0)))
				r.each[0].watch("m")
				r.sleep(time.Minute)
				r.source.onInfo(func(context.Context, string) (poller.Info, error) {
					return poller.Info{Ended: true, EndTime: second(70)}, nil
				})
				end(r)
				r.sleep(4 * time.Second)
				assert.Equal(r, []string{"1 joined ann", "2 meeting_ended ann"}, r.store.events("m"))
				assert.Empty(r, r.each[0].poller.Meetings(), "the owner has heard of it")
				before := r.source.calls()
				r.sleep(3 * time.Hour)
				assert.Equal(r, before, r.source.calls())
			})
		})
	}
}

func TestWhoeverIsAskedStopsWatching(t *testing.T) {
	inReplicas(t, 2, slow, func(r *replicas) {
		r.each[0].watch("m")
		r.sleep(time.Second)
		r.source.onList(list(present("ann", 0)))
		require.NoError(r, r.each[1].poller.Unwatch(r.ctx, "m"))
		assert.Equal(r, []string{"1 joined ann"}, r.store.events("m"), "the last look")
		r.sleep(time.Second)
		assert.Empty(r, r.each[0].poller.Meetings())
		for _, w := range r.each {
			require.ErrorIs(r, w.poller.Unwatch(r.ctx, "m"), poller.ErrNotWatched)
			_, _, err := w.poller.Meeting(r.ctx, "m")
			require.ErrorIs(r, err, poller.ErrNotWatched)
		}
		r.each[1].push(joinPush("m", "bob", 10))
		assert.Equal(r, []string{"1 joined ann"}, r.store.events("m"))
	})
}

func TestShardsAreHandedOver(t *testing.T) {
	inReplicas(t, 2, poller.Options{}, func(r *replicas) {
		r.source.onList(list(present("ann", 0)))
		r.each[0].watch(names(30)...)
		r.sleep(time.Hour) // nothing happens: no state says when the last look was
		for round := range 4 {
			from, to := round%2, 1-round%2
			began := r.each[to].source.calls()
			r.move(from, to, everyShard()...)
			r.sleep(time.Second)
			assert.GreaterOrEqual(r, r.each[to].source.calls()-began, 30, "all are looked at, at once")
			before := r.each[from].source.calls()
			r.sleep(10 * time.Minute)
			assert.Equal(r, before, r.each[from].source.calls())
			assert.Empty(r, r.each[from].poller.Meetings())
			assert.Len(r, r.each[to].poller.Meetings(), 30)
		}
		for _, id := range names(30) {
			assert.Equal(r, []string{"started"}, r.store.life(id), "no gap")
			assert.Equal(r, []string{"1 joined ann"}, r.store.events(id))
		}
	})
}

// TestWhatHappensDuringAHandOverIsHeardOf: meetings that come and go while no replica owns the
// shards, or are being read.
func TestWhatHappensDuringAHandOverIsHeardOf(t *testing.T) {
	inReplicas(t, 3, slow, func(r *replicas) {
		r.each[0].watch("stays", "goes")
		r.sleep(time.Minute)
		r.shares[0].take(everyShard()...)
		synctest.Wait()
		r.each[2].watch("comes")
		all := r.store.all
		r.store.all = func(ctx context.Context, shards ...int) iter.Seq2[diff.Record, error] {
			return func(yield func(diff.Record, error) bool) {
				r.store.all = all
				for record, err := range r.store.All(ctx, shards...) {
					if !yield(record, err) {
						return
					}
				}
				r.each[2].watch("late")
				require.NoError(r, r.each[2].poller.Unwatch(r.ctx, "goes"))
			}
		}
		r.shares[1].give(everyShard()...)
		r.sleep(time.Second)
		assert.Equal(r, []string{"comes", "late", "stays"}, watchedIDs(r.each[1].poller))
		for _, id := range []string{"comes", "late", "stays"} {
			assert.NotEmpty(r, r.each[1].source.listCalls(id), id)
		}
	})
}

// TestNoLookWithoutALease has a process that was stopped for a while, so that nobody has told it.
func TestNoLookWithoutALease(t *testing.T) {
	inReplicas(t, 1, poller.Options{MaxInterval: time.Second}, func(r *replicas) {
		r.each[0].watch(names(20)...)
		r.sleep(time.Minute)
		r.shares[0].set(false, true, everyShard()...)
		before := r.source.calls()
		r.sleep(time.Minute)
		assert.Equal(r, before, r.source.calls())
		r.shares[0].take()
		r.shares[0].give(everyShard()...)
		r.sleep(time.Minute)
		assert.Greater(r, r.source.calls(), before+20*30)
		assert.Len(r, r.each[0].poller.Meetings(), 20)
	})
}

// TestALookThatHadToWaitIsNotMadeWithoutALease: it was due when the shard was ours, but there was
// no worker for it.
func TestALookThatHadToWaitIsNotMadeWithoutALease(t *testing.T) {
	inReplicas(t, 1, poller.Options{Workers: 1}, func(r *replicas) {
		release := make(chan struct{})
		r.source.onList(func(context.Context, string) (poller.List, error) {
			<-release
			return poller.List{Certain: true}, nil
		})
		r.each[0].watch("a", "b", "c")
		r.sleep(time.Second)
		r.shares[0].set(false, true, everyShard()...)
		before := len(r.source.reads())
		close(release)
		r.sleep(time.Minute)
		assert.Len(r, r.source.reads(), before)
	})
}

func TestQuiet(t *testing.T) {
	slowly := func(d time.Duration) listFunc {
		return func(ctx context.Context, _ string) (poller.List, error) {
			select {
			case <-time.After(d):
				return poller.List{Certain: true}, nil
			case <-ctx.Done():
				time.Sleep(time.Second) // synthetic: it takes its time to stop
				return poller.List{}, ctx.Err()
			}
		}
	}
	t.Run("ends the looks that are due", func(t *testing.T) {
		inReplicas(t, 1, poller.Options{}, func(r *replicas) {
			r.source.onList(slowly(time.Hour))
			r.each[0].watch(names(5)...)
			r.sleep(time.Second)
			r.shares[0].take(everyShard()...)
			began := time.Now()
			require.NoError(r, r.each[0].poller.Quiet(r.ctx))
			assert.Equal(r, time.Second, time.Since(began))
			before := r.source.calls()
			r.sleep(time.Hour)
			assert.Equal(r, before, r.source.calls())
		})
	})
	t.Run("waits no longer than asked to", func(t *testing.T) {
		inReplicas(t, 1, poller.Options{}, func(r *replicas) {
			r.source.onList(slowly(time.Hour))
			r.each[0].watch("m")
			r.sleep(time.Second)
			r.shares[0].take(everyShard()...)
			ctx, cancel := context.WithTimeout(r.ctx, 100*time.Millisecond)
			defer cancel()
			require.ErrorIs(r, r.each[0].poller.Quiet(ctx), context.DeadlineExceeded)
		})
	})
	t.Run("leaves alone what is still ours, and what was asked for", func(t *testing.T) {
		inReplicas(t, 1, slow, func(r *replicas) {
			r.each[0].watch("m")
			r.sleep(time.Minute)
			r.source.onList(slowly(time.Minute))
			r.each[0].push(poller.Notice{ConferenceID: "m", Look: true, Time: second(60)})
			r.sleep(5 * time.Second)
			began := time.Now()
			require.NoError(r, r.each[0].poller.Quiet(r.ctx))
			r.shares[0].take(everyShard()...)
			require.NoError(r, r.each[0].poller.Quiet(r.ctx))
			assert.Zero(r, time.Since(began))
			r.source.onList(list(present("ann", 60)))
			r.sleep(time.Minute)
			before := len(r.source.listCalls("m"))
			r.sleep(time.Hour)
			assert.Len(r, r.source.listCalls("m"), before)
		})
	})
}

// TestWhatIsLostWhileNobodyHasALease: leases are lost while NATS is away, and what comes back may
// be older, with a sequence that is higher than any we know of.
func TestWhatIsLostWhileNobodyHasALease(t *testing.T) {
	inReplicas(t, 2, poller.Options{}, func(r *replicas) {
		for _, w := range r.each {
			w.source.onList(list(present("ann", 0)))
		}
		r.each[0].watch("older", "kept")
		r.sleep(time.Minute)
		backup := r.store.backup()
		for _, w := range r.each {
			w.source.onList(list(present("ann", 0), present("bob", 60)))
		}
		r.each[0].watch("missing")
		r.sleep(time.Minute)

		r.shares[0].take(everyShard()...)
		synctest.Wait()
		r.store.restore(backup, 1000)
		r.each[0].watch("new") // as a guest, meanwhile
		require.NoError(r, r.each[0].poller.Notice(r.ctx, joinPush("kept", "bob", 60)))
		r.shares[0].give(everyShard()...)
		r.sleep(time.Minute)
		assert.Equal(r, []string{"kept", "missing", "new", "older"}, watchedIDs(r.each[0].poller))
		toldOf := func(id string) {
			life := r.store.life(id)
			require.Len(r, life, 3, id)
			assert.Equal(r, []string{"started", "gap store_lost"}, life[:2], id)
			assert.Contains(r, life[2], "gap store_lost of ", id)
			assert.Equal(r, 2, r.store.active(id), id)
		}
		for _, id := range []string{"older", "kept", "missing"} {
			toldOf(id)
		}

		backup = r.store.backup()
		r.each[0].watch("unknown")
		r.sleep(time.Minute)
		r.shares[0].take(everyShard()...)
		synctest.Wait()
		r.store.restore(backup, 1000)
		r.shares[1].give(everyShard()...)
		r.sleep(3 * time.Minute)
		assert.Contains(r, watchedIDs(r.each[1].poller), "unknown", "only the first could tell")
		toldOf("unknown")
		assert.Equal(r, []string{"started"}, r.store.life("new"))
	})
}
