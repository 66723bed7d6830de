package shards

import (
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// checker watches replicas of this process and finds out whether two of them hold a shard at the
// same moment, and whether more of them are admitted than one of them counts. What it says is
// certain, however slow the machine is: a standing that is the same before and after something, and
// good after it, held all the while.
type checker struct {
	t        testing.TB
	mu       sync.Mutex
	replicas []*Replica
	looks    int
	wg       sync.WaitGroup
	stop     chan struct{}
}

// newChecker checks until the test ends.
func newChecker(t testing.TB) *checker {
	c := &checker{t: t, stop: make(chan struct{})}
	tick := time.NewTicker(time.Millisecond)
	c.wg.Go(func() {
		defer tick.Stop()
		for {
			c.check()
			select {
			case <-c.stop:
				return
			case <-tick.C:
			}
		}
	})
	t.Cleanup(func() {
		close(c.stop)
		c.wg.Wait()
		assert.Positive(t, c.looks)
	})
	return c
}

// watch adds a replica; nil watches nothing.
func (c *checker) watch(r *Replica) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.replicas = append(c.replicas, r)
}

// holding returns the standing of r if it is good.
func holding(r *Replica) *standing {
	if s := r.standing.Load(); s.good(r.now(), r.opts.TTL) {
		return s
	}
	return nil
}

func (c *checker) check() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looks++
	before := make([]*standing, len(c.replicas))
	var held []Set
	admitted := 0
	for i, r := range c.replicas {
		before[i] = holding(r)
		held = append(held, 0)
		if before[i] != nil {
			held[i] = before[i].mine
		}
	}
	for i, r := range c.replicas {
		if holding(r) != before[i] {
			before[i], held[i] = nil, 0 // it changed meanwhile: another look tells
		}
		if before[i] != nil && before[i].admitted {
			admitted++
		}
	}
	var taken Set
	for i := range c.replicas {
		assert.Zero(c.t, taken&held[i], "shards with two owners")
		taken |= held[i]
		if before[i] != nil && before[i].admitted {
			assert.LessOrEqual(c.t, admitted, before[i].live, "more are admitted than %s counts", c.replicas[i].opts.Name)
		}
	}
}
