package chaos_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// rounds is how often a test that follows a script does what it does.
func rounds() int { return max(2, *kills/10) }

// TestOwnersAreReplaced kills the replica that looks at a meeting, again and again, and pauses
// another one for longer than its leases last.
func TestOwnersAreReplaced(t *testing.T) {
	if testing.Short() {
		t.Skip("chaos takes a while")
	}
	t.Parallel()
	s := usual(3, 1, "")
	s.rooms, s.length, s.kinds = 3, time.Hour, nil
	w := newWorld(t, s)
	r := w.run(func(ctx context.Context) {
		for range rounds() {
			id, owner := w.owner()
			since := time.Now()
			owner.kill()
			w.await("another replica looks", func(context.Context) bool { return w.dingtalk.lookedAt(id, since, owner.number) })
			_, other := w.owner()
			other.pause()
			owner.start()
			pass(ctx, 2*longestLease)
			other.resume()
			for _, r := range w.replicas {
				w.await(r.name+" is well", r.well)
			}
		}
	})
	r.print()
	r.check(t)
	assert.NotZero(t, r.handovers)
}

// owner returns a meeting, and the replica that looked at it last.
func (w *world) owner() (string, *replica) {
	since := time.Now()
	var found call
	w.await("a look", func(context.Context) bool {
		calls := w.dingtalk.called()
		i := slices.IndexFunc(calls, func(c call) bool { return c.at.After(since) && c.look != "" })
		if i >= 0 {
			found = calls[i]
		}
		return i >= 0
	})
	return found.look, w.replicas[found.replica]
}

// lookedAt tells whether a replica but one has looked at a meeting since then.
func (d *dingtalk) lookedAt(meeting string, since time.Time, but int) bool {
	for _, c := range slices.Backward(d.called()) {
		if c.at.Before(since) {
			return false
		}
		if c.look == meeting && c.replica != but {
			return true
		}
	}
	return false
}

// TestRollingRestart restarts the replicas one after the other, as an update does. Nobody pushes.
func TestRollingRestart(t *testing.T) {
	if testing.Short() {
		t.Skip("chaos takes a while")
	}
	t.Parallel()
	s := usual(3, 1, "")
	s.rooms, s.length, s.kinds, s.pushes, s.troubles = 3, time.Hour, nil, false, nil
	w := newWorld(t, s)
	r := w.run(func(ctx context.Context) {
		for range rounds() {
			for _, r := range w.replicas {
				w.tally.stopped(r.terminate(patience))
				r.start()
				w.await(r.name+" is well", r.well)
			}
		}
	})
	r.print()
	r.check(t)
	require.NotZero(t, r.latest)
	t.Logf("latest event: %s", r.latest)
	if *strict {
		assert.LessOrEqual(t, r.latest, 3*time.Second, "lateness of an event")
	}
}

// TestTheMonthsCallsAreNeverExceeded kills replicas that may make only so many calls together, one
// after the other: for each time that all have been killed, about 8. DingTalk would let them.
func TestTheMonthsCallsAreNeverExceeded(t *testing.T) {
	if testing.Short() {
		t.Skip("chaos takes a while")
	}
	t.Parallel()
	times, month := 2, 17
	if *kills > 0 {
		times, month = 3*rounds(), 50
	}
	s := usual(3, 1, "")
	s.env = append(s.env, fmt.Sprint("ROLLCALL_DINGTALK_MONTHLY_CALLS=", month))
	s.rooms, s.length, s.troubles = 3, time.Hour, nil
	w := newWorld(t, s)
	meeting, end := context.WithCancel(w.all)
	held := make(chan struct{})
	go func() { defer close(held); w.hold(meeting) }()
	for range times {
		for _, r := range w.replicas {
			since := time.Now()
			w.within(activity, func(context.Context) bool { return w.dingtalk.lookedSince(r.number, since) })
			r.kill()
			r.start()
			w.await(r.name+" is well", r.well)
		}
	}
	end()
	<-held
	spent := len(w.dingtalk.called())
	t.Logf("%d calls of %d", spent, month)
	assert.NotZero(t, spent)
	assert.LessOrEqual(t, spent, month)
}
