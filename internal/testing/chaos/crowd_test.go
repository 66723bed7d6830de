package chaos_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

const (
	// hundreds is how many people know of a big meeting, and rush how long it takes them to come.
	hundreds = 700
	rush     = 2 * time.Second
)

// crowd holds a big meeting: its people come at once, come and go, and most of them stay to the
// end. So there is more to be told at a time than the server takes in a batch, and more to be read
// than fits on a page.
func (w *world) crowd(ctx context.Context, length time.Duration) {
	n := uint64(w.crowds.Add(1))
	rng := rand.New(rand.NewPCG(w.seed, 1_000_000+n))
	g := w.setup.people(fmt.Sprintf("big%d-", n), length)
	g.People, g.Absentees, g.Calls = hundreds, 0.01, 0.05
	plan, err := g.Plans(rng.Uint64())
	if !assert.NoError(w.t, err) {
		return
	}
	for i := range plan[0].People {
		come(&plan[0].People[i], rng)
	}
	w.meet(ctx, plan[0], length)
}

// come lets a person come early and, mostly, stay to the end.
func come(p *history.Person, rng *rand.Rand) {
	if len(p.Visits) == 0 {
		return
	}
	first, last := &p.Visits[0], &p.Visits[len(p.Visits)-1]
	if len(p.Calls) == 0 {
		first.From = min(first.From, history.Duration(rng.Int64N(int64(rush/time.Millisecond)))*history.Duration(time.Millisecond))
	}
	if last.Device == "" && last.Ends == "" && rng.IntN(10) > 0 {
		last.To = nil
	}
}

// TestBigMeetingThroughAnOutage has hundreds of people come while DingTalk's API fails, for so long
// that there is a gap to be told of, too: with pushes, which go on, and without any. Then a replica
// is killed, which may be storing all that.
func TestBigMeetingThroughAnOutage(t *testing.T) {
	if testing.Short() || *kills == 0 {
		t.Skip("takes more than a minute: -chaos.kills asks for long runs")
	}
	t.Parallel()
	for name, pushes := range map[string]bool{"with pushes": true, "without pushes": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const early, down, length = 5 * time.Second, 40 * time.Second, 60 * time.Second
			s := usual(3, 1, "")
			s.rooms, s.length, s.pushes = 1, time.Hour, pushes
			s.first = events.AllMeetings // in one meeting so long the first to come may come late
			w := newWorld(t, s)
			r := w.run(func(ctx context.Context) {
				pass(ctx, early) // a meeting that no look has shown has no gap
				var both sync.WaitGroup
				both.Go(func() {
					pass(ctx, early)
					w.crowd(ctx, length)
				})
				began, in := time.Now(), injury{kind: outage, wait: down, way: int(w.seed)}
				w.fail(ctx, in)
				w.tally.noted(in, kind{name: outage, general: true}, nil, began)
				both.Go(func() { w.hurt(ctx, w.replicas[0], injury{kind: kill, atNow: true}) })
				both.Wait()
			})
			r.print()
			r.check(t)
			assert.NotZero(t, r.failed)
			assert.Greater(t, r.largest, hundreds/2)
			assert.NotZero(t, w.count(w.all, string(events.MeetingGap)), "nobody was told of the outage")
		})
	}
}
