package chaos_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// recovery is how long a victim may take to be well again before it is a victim again, well or not.
	recovery = 20 * time.Second
	// activity is how long a victim may take to look at meetings again: there may be none for it.
	activity = 2 * time.Second
)

// injector picks faults and victims.
type injector struct {
	w    *world
	rng  *rand.Rand
	free chan struct{} // holds a token when a victim may have become free

	mu       sync.Mutex
	replicas []bool // which are somebody's victim
	brokers  []bool
}

// injure injects all faults, several at a time, and returns when everything is running again.
func (w *world) injure(ctx context.Context) {
	i := &injector{
		w: w, rng: rand.New(rand.NewPCG(w.seed, 0)), free: make(chan struct{}, 1),
		replicas: make([]bool, len(w.replicas)), brokers: make([]bool, len(w.brokers)),
	}
	var under sync.WaitGroup
	defer under.Wait()
	for range w.setup.faults {
		pass(ctx, time.Duration(i.rng.Int64N(2*int64(*pace))))
		if len(w.setup.kinds) == 0 {
			continue // whatever happens does so all the time
		}
		k := i.pick()
		in := newInjury(k.name, i.rng)
		victims, ok := i.take(ctx, k)
		if !ok {
			return
		}
		under.Go(func() {
			began := time.Now()
			i.inject(ctx, in, k, victims)
			w.tally.noted(in, k, victims, began)
			i.release(k, victims)
		})
	}
}

// pick picks a kind by its share.
func (i *injector) pick() kind {
	total := 0
	for _, k := range i.w.setup.kinds {
		total += k.share
	}
	n := i.rng.IntN(total)
	for _, k := range i.w.setup.kinds {
		if n -= k.share; n < 0 {
			return k
		}
	}
	panic("the shares do not add up")
}

// take waits until there is a victim. Of NATS servers that replicate, only one is down at a time, unless all are.
func (i *injector) take(ctx context.Context, k kind) ([]int, bool) {
	for {
		if victims := i.try(k); len(victims) > 0 {
			return victims, true
		}
		select {
		case <-i.free:
		case <-ctx.Done():
			return nil, false
		}
	}
}

func (i *injector) try(k kind) []int {
	i.mu.Lock()
	defer i.mu.Unlock()
	busy := i.replicas
	if k.broker {
		busy = i.brokers
	}
	var idle []int
	for n, taken := range busy {
		if !taken {
			idle = append(idle, n)
		}
	}
	switch {
	case k.broker && len(idle) < len(busy):
		return nil
	case k.name == killBrokers:
	case len(idle) > 0:
		idle = []int{idle[i.rng.IntN(len(idle))]}
	}
	for _, n := range idle {
		busy[n] = true
	}
	return idle
}

func (i *injector) release(k kind, victims []int) {
	i.mu.Lock()
	for _, n := range victims {
		if k.broker {
			i.brokers[n] = false
		} else {
			i.replicas[n] = false
		}
	}
	i.mu.Unlock()
	select {
	case i.free <- struct{}{}:
	default:
	}
}

// inject does one injury and waits until its victims are well again.
func (i *injector) inject(ctx context.Context, in injury, k kind, victims []int) {
	w := i.w
	if !k.broker {
		r := w.replicas[victims[0]]
		w.hurt(ctx, r, in)
		over := time.Now()
		if w.within(recovery, r.well) {
			w.within(activity, func(context.Context) bool { return w.dingtalk.lookedSince(r.number, over) })
		}
		return
	}
	if in.atNow {
		w.nextEvent(ctx)
	}
	for _, n := range victims {
		w.brokers[n].kill()
	}
	pass(ctx, in.wait/2)
	for _, n := range victims {
		w.brokers[n].start()
	}
	for _, n := range victims {
		w.within(recovery, w.brokers[n].well)
	}
}
