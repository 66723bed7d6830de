package poller_test

import (
	"context"
	"fmt"
	"iter"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

// blockTime is for how long DingTalk answers nobody at an address from which too many calls came.
const blockTime = 5 * time.Minute

// block has every call refused from now on for a while.
func (r *replicas) block() {
	began := time.Now()
	left := func() error {
		if rest := blockTime - time.Since(began); rest > 0 {
			return troubleFor(poller.Throttled, rest)
		}
		return nil
	}
	for _, w := range r.each {
		w.source.onList(func(context.Context, string) (poller.List, error) {
			return poller.List{Rows: []diff.Row{present("ann", 90)}, Certain: true}, left()
		})
		w.source.onInfo(func(context.Context, string) (poller.Info, error) { return poller.Info{}, left() })
		require.NoError(r, w.poller.LookNow("blocked")) // who looks next finds out
	}
	r.sleep(10 * time.Second)
}

// pushInTime sends a push to a replica that has to be stored at once.
func (r *replicas) pushInTime(to int, n poller.Notice) {
	r.Helper()
	ctx, cancel := context.WithTimeout(r.ctx, time.Second)
	defer cancel()
	began := time.Now()
	require.NoError(r, r.each[to].poller.Notice(ctx, n))
	assert.Zero(r, time.Since(began), "it waits for nothing")
}

// TestPushesDuringABlock sends a push about every kind of meeting to the replica that has all
// shards and to one that has none, while no look can be made for five minutes.
func TestPushesDuringABlock(t *testing.T) {
	kinds := map[string]struct {
		known bool // the meeting is watched
		act   func(r *replicas, to int)
	}{
		"watched":             {true, func(*replicas, int) {}},
		"never heard of":      {false, func(*replicas, int) {}},
		"asked about":         {true, func(r *replicas, to int) { require.NoError(r, r.each[to].poller.LookNow("m")) }},
		"asked whether over":  {true, func(r *replicas, to int) { r.each[to].poller.CheckEnd("m") }},
		"unknown, asked":      {false, func(r *replicas, to int) { r.each[to].poller.CheckEnd("m") }},
		"pushed about before": {true, func(r *replicas, to int) { r.pushInTime(to, joinPush("m", "bob", 80)) }},
		"of a guest": {true, func(r *replicas, to int) {
			r.pushInTime(to, poller.Notice{ConferenceID: "m", Time: second(80), Look: true})
		}},
		"being ended": {true, func(r *replicas, to int) {
			r.pushInTime(to, poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(91)})
		}},
		"being ended elsewhere": {true, func(r *replicas, to int) {
			r.pushInTime(1-to, poller.Notice{ConferenceID: "m", Scene: poller.Closed, Time: second(91)})
		}},
	}
	for name, kind := range kinds {
		for to, who := range []string{"the owner's", "another replica's"} {
			t.Run(name+", "+who, func(t *testing.T) {
				inReplicas(t, 2, poller.Options{StateMemory: 1}, func(r *replicas) {
					r.each[0].watch("blocked")
					if kind.known {
						r.each[0].watch("m")
					}
					r.sleep(time.Minute)
					r.block()
					kind.act(r, to)
					r.pushInTime(to, joinPush("m", "ann", 90))
					r.sleep(time.Minute)
					r.pushInTime(to, joinPush("m", "cyd", 91))
					assert.Contains(r, r.store.names("m"), "joined ann")
					assert.Contains(r, r.store.names("m"), "joined cyd")
					assert.True(r, r.each[to].watched("m"))
					r.sleep(2 * blockTime)
					assert.Contains(r, r.store.life("m"), "started")
				})
			})
		}
	}
}

// names are the member events of a meeting without their numbers.
func (s *memStore) names(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, e := range s.stored {
		if e.ConferenceID() == id && e.Member != nil {
			out = append(out, string(e.Member.Reason)+" "+e.Subject)
		}
	}
	return out
}

// TestAPushToAMeetingThatIsGivenUp does not wait for the last look. The caller who gives the
// meeting up has the last word.
func TestAPushToAMeetingThatIsGivenUp(t *testing.T) {
	for to, who := range []string{"by its owner", "by another replica"} {
		t.Run(who, func(t *testing.T) {
			inReplicas(t, 2, slow, func(r *replicas) {
				r.each[0].watch("m")
				r.sleep(time.Minute)
				for _, w := range r.each {
					w.source.onList(func(ctx context.Context, _ string) (poller.List, error) {
						<-ctx.Done() // the block has just begun, and nobody answers
						return poller.List{}, trouble(poller.Unavailable)
					})
				}
				given := make(chan error, 1)
				go func() { given <- r.each[to].poller.Unwatch(r.ctx, "m") }()
				r.sleep(time.Second)
				r.pushInTime(to, joinPush("m", "ann", 60))
				assert.Equal(r, []string{"1 joined ann"}, r.store.events("m"))
				require.NoError(r, <-given)
				assert.False(r, r.each[to].watched("m"))
				assert.Equal(r, diff.Unwatched, r.store.state("m").Phase)
			})
		})
	}
}

// TestAPushWhileStatesAreRead is stored, however long it takes until the stored meetings are known.
// The gap before is told all the same.
func TestAPushWhileStatesAreRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, source: newSource(), store: newStore()}
		w.run(poller.Options{MinInterval: time.Minute})
		<-w.poller.Ready()
		w.watch("m")
		w.sleep(time.Minute)
		w.stop()
		w.sleep(10 * time.Minute)

		reading := w.store.All
		hold := make(chan struct{})
		w.store.all = func(ctx context.Context, shards ...int) iter.Seq2[diff.Record, error] {
			return func(yield func(diff.Record, error) bool) {
				<-hold
				w.store.all = nil
				reading(ctx, shards...)(yield)
			}
		}
		w.source.onList(list(present("ann", 600), present("bob", 601), present("cyd", 602)))
		w.run(poller.Options{MinInterval: time.Minute})
		w.sleep(time.Second)
		for _, id := range []string{"m", "new"} {
			w.push(joinPush(id, "ann", 600))
			w.push(poller.Notice{ConferenceID: id, Time: second(601), Look: true})
			assert.Equal(t, []string{"1 joined ann"}, w.store.events(id))
		}
		w.push(poller.Notice{ConferenceID: "other", Scene: poller.Closed, Time: second(600)})
		w.sleep(10 * time.Second)
		close(hold)
		<-w.poller.Ready()
		w.sleep(5 * time.Second)
		assert.Equal(t, []string{"m", "new"}, watchedIDs(w.poller))
		for _, id := range []string{"m", "new"} {
			assert.Equal(t, []string{"1 joined ann", "2 joined bob", "3 joined cyd"}, w.store.events(id), "looked at, too")
		}
		assert.Len(t, w.store.life("m"), 3, "started, and a gap that began and ended: %v", w.store.life("m"))
		assert.Equal(t, 2, w.poller.Table())
		w.stop()
	})
}

// BenchmarkPush is how long a push waits while no look can be made, for a real server that stores
// it: one about a meeting that is watched, one of which it is asked whether it is over, one that
// nobody knew.
func BenchmarkPush(b *testing.B) {
	for name, of := range map[string]func(i int) string{
		"watched": func(int) string { return "m" }, "asked": func(i int) string { return fmt.Sprint("asked", i) },
		"unknown": func(i int) string { return fmt.Sprint("new", i) },
	} {
		b.Run(name, func(b *testing.B) {
			source := newSource()
			source.onList(failList(troubleFor(poller.Throttled, time.Hour)))
			p, err := poller.New(source, openPublisher(b), poller.Options{Shards: newShare()})
			require.NoError(b, err)
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			<-p.Ready()
			require.NoError(b, p.Notice(ctx, joinPush("m", "ann", 0)))
			require.NoError(b, p.LookNow("m"))
			longest := time.Duration(0)
			for i := 0; b.Loop(); i++ {
				id := of(i)
				if name == "asked" {
					p.CheckEnd(id)
				}
				began := time.Now()
				require.NoError(b, p.Notice(ctx, joinPush(id, fmt.Sprint("p", i), int64(i))))
				longest = max(longest, time.Since(began))
			}
			b.ReportMetric(float64(longest)/float64(time.Millisecond), "longest-ms")
			cancel()
			require.NoError(b, <-ended)
		})
	}
}
