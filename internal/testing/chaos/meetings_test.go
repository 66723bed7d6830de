package chaos_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// hold keeps a number of meetings going, one after the other in every room, until ctx ends; then it
// ends them. Their lists keep every row, so that a late look still sees everything.
func (w *world) hold(ctx context.Context) {
	var rooms sync.WaitGroup
	for room := range w.setup.rooms {
		rng := rand.New(rand.NewPCG(w.seed, uint64(room)+1))
		rooms.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				length := w.setup.length + time.Duration(rng.Int64N(int64(w.setup.length)))
				plan, err := w.setup.people(fmt.Sprintf("r%d-%d-", room, n), length).Plans(rng.Uint64())
				if !assert.NoError(w.t, err) {
					return
				}
				w.meet(ctx, plan[0], length)
			}
		})
	}
	rooms.Wait()
}

// meet holds one meeting.
func (w *world) meet(ctx context.Context, plan history.Plan, length time.Duration) {
	if !assert.NoError(w.t, w.dingtalk.sim.AddMeeting(plan)) {
		pass(ctx, patience)
		return
	}
	w.watch(plan.ID)
	w.going.Store(plan.ID, true)
	pass(ctx, length)
	w.going.Delete(plan.ID)
	if ctx.Err() == nil {
		return // it has ended as planned
	}
	_, _, err := w.dingtalk.sim.Do(plan.ID, history.LiveAction{Do: history.End})
	if err != nil && !errors.Is(err, history.ErrScenario) { // it has just ended
		assert.NoError(w.t, err)
	}
}

// held are the meetings that are going on.
func (w *world) held() []string {
	var out []string
	w.going.Range(func(id, _ any) bool {
		out = append(out, id.(string))
		return true
	})
	return out
}

// people is who comes to a meeting. Nobody has two devices while pushes are lost: of those, a lost
// push may cost the exact time of a join.
func (s setup) people(prefix string, length time.Duration) history.Generate {
	g := history.Generate{
		Meetings: 1, People: s.crowd, Prefix: prefix, Length: history.Duration(length),
		Gap: history.Duration(300 * time.Millisecond), Visits: 5,
		Devices: 0.2, Kicks: 0.1, Calls: 0.2, Absentees: 0.1, Guests: 0.1, Phones: 0.1, Rejoin: history.AddRow,
	}
	if s.pushes {
		g.Devices = 0
	}
	return g
}

// watch asks the replicas, whichever answers, to watch a meeting, until one does. Mostly discovery
// or a push is first.
func (w *world) watch(id string) {
	w.watching.Go(func() {
		for w.all.Err() == nil {
			if w.put(id) {
				return
			}
			pass(w.all, 200*time.Millisecond)
		}
	})
}

func (w *world) put(id string) bool {
	ctx, cancel := context.WithTimeout(w.all, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, "http://"+w.balancer+"/v1/meetings/"+id, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	_ = resp.Body.Close()
	return resp.StatusCode/100 == 2
}
