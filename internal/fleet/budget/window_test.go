package budget

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

const (
	// noticed is how long the others count a replica that is gone.
	noticed = 3 * time.Second
	// admission is how long a new replica waits for the others to count it.
	admission = 2 * time.Second
	// window is how long the rate is held to.
	window = 5 * time.Second
)

// cluster is replicas that share a rate, as they see each other through heartbeats. Its times are
// virtual.
type cluster struct {
	t         *testing.T
	perSecond float64

	mu       sync.Mutex
	counted  map[*member]bool
	calls    []time.Time
	calm     time.Time // nobody wants a call before
	throttle float64   // the chance that a call meets a QPS error
}

// member is a replica and those who call through it.
type member struct {
	cluster *cluster
	rate    *Rate
	since   time.Time // when it announced itself
	stop    context.CancelFunc
	done    sync.WaitGroup
}

func (m *member) Live() int {
	m.cluster.mu.Lock()
	defer m.cluster.mu.Unlock()
	return len(m.cluster.counted)
}

func (m *member) Admitted() bool { return time.Since(m.since) >= admission }

// join starts a replica with several workers that call by fits and starts.
func (c *cluster) join(workers int) *member {
	m := &member{cluster: c, since: time.Now()}
	var err error
	m.rate, err = NewRate(RateOptions{PerSecond: c.perSecond, Peers: m})
	require.NoError(c.t, err)
	c.mu.Lock()
	c.counted[m] = true
	c.mu.Unlock()
	ctx, cancel := context.WithCancel(c.t.Context())
	m.stop = cancel
	for range workers {
		m.done.Go(func() { m.work(ctx) })
	}
	return m
}

func (m *member) work(ctx context.Context) {
	for ctx.Err() == nil {
		time.Sleep(time.Until(m.cluster.calmUntil()))
		if err := m.rate.Wait(ctx, Purpose(rand.N(4))); err == nil {
			m.rate.Observe(m.cluster.call())
		}
		if rand.N(50) == 0 {
			time.Sleep(rand.N(2 * time.Second))
		}
	}
}

func (c *cluster) calmUntil() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.calm
}

// quieten makes everybody want nothing for a while, and then all at once.
func (c *cluster) quieten(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calm = time.Now().Add(d)
}

// call is a call upstream.
func (c *cluster) call() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls = append(c.calls, time.Now())
	if rand.Float64() < c.throttle {
		return throttled(time.Second)
	}
	return nil
}

// leave ends a replica; the others notice after some time, if it was killed.
func (c *cluster) leave(m *member, killed bool) {
	m.stop()
	m.done.Wait()
	if killed {
		time.Sleep(noticed)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.counted, m)
}

// check holds the calls to the rate: in any window a quarter more at most, and never more in total.
func (c *cluster) check(began time.Time) error {
	first := 0
	for i, call := range c.calls {
		for call.Sub(c.calls[first]) > window {
			first++
		}
		if n, most := i-first+1, 1.25*c.perSecond*window.Seconds(); float64(n) > most {
			return fmt.Errorf("%d calls in the window to %v", n, call.Sub(began))
		}
		if n, most := i+1, c.perSecond*call.Sub(began).Seconds(); float64(n) > most+1e-6 {
			return fmt.Errorf("%d calls in the first %v", n, call.Sub(began))
		}
	}
	return nil
}

// step is something that happens to a cluster.
type step struct {
	what  string
	which int
	after time.Duration
}

// live runs a cluster through what happens to it and returns what is wrong with its calls.
func live(t *testing.T, perSecond, throttle float64, steps []step) (err error) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, perSecond: perSecond, throttle: throttle, counted: map[*member]bool{}}
		began := time.Now()
		running := []*member{c.join(10)}
		for _, s := range steps {
			time.Sleep(s.after)
			switch which := s.which % len(running); {
			case s.what == "join":
				running = append(running, c.join(10))
			case s.what == "calm":
				c.quieten(window)
			case len(running) > 1:
				c.leave(running[which], s.what == "kill")
				running = slices.Delete(running, which, which+1)
			}
		}
		time.Sleep(3 * window)
		for _, m := range running {
			c.leave(m, false)
		}
		err = c.check(began)
	})
	return err
}

func TestTheRateHoldsWhateverReplicasDo(t *testing.T) {
	outer := t
	rapid.Check(t, func(t *rapid.T) {
		perSecond := rapid.SampledFrom([]float64{5, 12, 15, 20, 60}).Draw(t, "rate")
		throttle := rapid.SampledFrom([]float64{0, 0.01}).Draw(t, "throttle")
		steps := make([]step, rapid.IntRange(1, 12).Draw(t, "steps"))
		replicas := 1 // at most; the rate is shared by no more than it allows
		for i := range steps {
			what := rapid.SampledFrom([]string{"join", "join", "leave", "kill", "calm"}).Draw(t, "what")
			if what == "join" {
				if replicas++; float64(replicas) > perSecond {
					what = "leave"
				}
			}
			steps[i] = step{
				what, rapid.IntRange(0, 9).Draw(t, "which"), time.Duration(rapid.IntRange(0, 8000).Draw(t, "ms")) * time.Millisecond,
			}
		}
		if err := live(outer, perSecond, throttle, steps); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTheWholeRateIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, perSecond: 20, counted: map[*member]bool{}}
		var all []*member
		for range 3 {
			all = append(all, c.join(20))
		}
		time.Sleep(admission)
		before := time.Now()
		time.Sleep(time.Minute)
		for _, m := range all {
			c.leave(m, false)
		}
		n := 0
		for _, call := range c.calls {
			if call.After(before) && call.Before(before.Add(time.Minute)) {
				n++
			}
		}
		assert.InDelta(t, 1200, n, 60)
	})
}
