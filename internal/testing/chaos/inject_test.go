package chaos_test

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"
)

const (
	// recovery is how long a victim may take to be well again before it is a victim again, well or
	// not.
	recovery = 20 * time.Second
	// activity is how long a victim may take to look at meetings again: there may be none for it.
	activity = 4 * time.Second
)

// injector picks faults and victims.
type injector struct {
	w    *world
	rng  *rand.Rand
	free chan struct{} // holds a token when a victim may have become free

	mu       sync.Mutex
	replicas []bool // which are somebody's victim
	brokers  []bool
	general  map[string]bool // the kinds without a victim that are under way
}

// injure injects all faults, several at a time, and returns when everything is running again.
func (w *world) injure(ctx context.Context) {
	i := &injector{
		w: w, rng: rand.New(rand.NewPCG(w.seed, 0)), free: make(chan struct{}, 1),
		replicas: make([]bool, len(w.replicas)), brokers: make([]bool, len(w.brokers)),
		general: map[string]bool{},
	}
	var under sync.WaitGroup
	defer under.Wait()
	for range w.setup.faults {
		pass(ctx, time.Duration(i.rng.Int64N(2*int64(*pace))))
		if len(w.setup.kinds) == 0 {
			continue // whatever happens does so all the time
		}
		k, victims := i.take(ctx)
		if len(victims) == 0 {
			return
		}
		in := newInjury(k.name, i.rng)
		under.Go(func() {
			began := time.Now()
			i.inject(ctx, in, k, victims)
			w.tally.noted(in, k, victims, began)
			i.release(k, victims)
		})
	}
}

// take waits until there is a victim for some kind of fault. Where processes are struck as fast as
// they recover, what needs no victim would be the only choice most of the time: so it is drawn
// first whether it is to be that.
func (i *injector) take(ctx context.Context) (kind, []int) {
	general, all := 0, 0
	for _, k := range i.w.setup.kinds {
		all += k.share
		if k.general {
			general += k.share
		}
	}
	wanted := i.rng.IntN(all) < general
	for {
		if k, victims := i.try(wanted); len(victims) > 0 {
			return k, victims
		}
		select {
		case <-i.free:
		case <-ctx.Done():
			return kind{}, nil
		}
	}
}

// try picks a kind of fault, general or not, by its share among those that there is a victim for,
// and the victim.
func (i *injector) try(general bool) (kind, []int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	total := 0
	for _, k := range i.w.setup.kinds {
		if k.general == general && len(i.idle(k)) > 0 {
			total += k.share
		}
	}
	if total == 0 {
		return kind{}, nil
	}
	n := i.rng.IntN(total)
	for _, k := range i.w.setup.kinds {
		victims := i.idle(k)
		if k.general != general || len(victims) == 0 {
			continue
		}
		if n -= k.share; n >= 0 {
			continue
		}
		if k.name != killBrokers && !k.general {
			victims = []int{victims[i.rng.IntN(len(victims))]}
		}
		i.mark(k, victims, true)
		return k, victims
	}
	panic("the shares do not add up")
}

// mark takes down that a kind of fault strikes victims, or no longer does.
func (i *injector) mark(k kind, victims []int, strikes bool) {
	if k.general {
		i.general[k.name] = strikes
		return
	}
	for _, v := range victims {
		i.of(k)[v] = strikes
	}
}

// of tells which of those that a kind of fault strikes are somebody's victim.
func (i *injector) of(k kind) []bool {
	if k.broker {
		return i.brokers
	}
	return i.replicas
}

// idle are the possible victims. Of NATS servers that replicate, only one is down at a time, unless
// all are. What has no victim strikes all replicas, whatever else does.
func (i *injector) idle(k kind) []int {
	var out []int
	if k.general && i.general[k.name] {
		return nil
	}
	for n, taken := range i.of(k) {
		if !taken || k.general {
			out = append(out, n)
		}
	}
	if k.broker && len(out) < len(i.brokers) {
		return nil
	}
	return out
}

func (i *injector) release(k kind, victims []int) {
	i.mu.Lock()
	i.mark(k, victims, false)
	i.mu.Unlock()
	select {
	case i.free <- struct{}{}:
	default:
	}
}

// inject does one injury and waits until its victims are well again.
func (i *injector) inject(ctx context.Context, in injury, k kind, victims []int) {
	w := i.w
	switch k.name {
	case outage:
		w.fail(ctx, in)
		return
	case bigMeeting:
		w.crowd(ctx, in.wait)
		return
	}
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
	over := time.Now()
	for _, n := range victims {
		w.within(recovery, w.brokers[n].well)
	}
	w.within(recovery, func(context.Context) bool { return w.tally.storedSince(over) })
	w.within(recovery/2, func(context.Context) bool { return w.dingtalk.sawAll(w.held(), over) })
}
