package chaos_test

import (
	"slices"
	"sync"
	"time"
)

// tally takes down what was done, and how the service took it.
type tally struct {
	mu      sync.Mutex
	count   map[string]int // faults by kind
	killed  int            // NATS servers
	hurts   []hurt
	stored  time.Time     // when NATS last stored something
	outages []span        // when it did not
	down    []span        // when DingTalk's API failed
	slowest time.Duration // of the clean stops
	unclean []error
}

// deaf is how long NATS may take to store something before that counts as an outage.
const deaf = time.Second

// hurt is a time in which a replica or the NATS servers suffered from a fault, or were not well
// again yet.
type hurt struct {
	span
	in     injury
	victim int // a replica; -1 for NATS servers
}

// span is a time from one moment to another.
type span struct{ from, to time.Time }

func (s span) overlaps(o span) bool { return s.from.Before(o.to) && o.from.Before(s.to) }

// noted counts a fault that has happened.
func (t *tally) noted(in injury, k kind, victims []int, from time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == nil {
		t.count = map[string]int{}
	}
	t.count[in.kind]++
	switch k.name {
	case bigMeeting:
		return // nobody has to suffer from that
	case outage:
		t.down = append(t.down, span{from, from.Add(in.wait)})
		return
	}
	h := hurt{span: span{from, time.Now()}, in: in, victim: -1}
	if k.broker {
		t.killed += len(victims)
	} else {
		h.victim = victims[0]
	}
	t.hurts = append(t.hurts, h)
}

func (t *tally) stopped(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.slowest = max(t.slowest, took)
	if err != nil {
		t.unclean = append(t.unclean, err)
	}
}

// answered takes down that NATS stored something, having been asked since then.
func (t *tally) answered(since time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stored.IsZero() && time.Since(t.stored) > deaf {
		t.outages = append(t.outages, span{t.stored, time.Now()})
	}
	t.stored = since
}

// storedSince tells whether NATS has stored something that it was given since then.
func (t *tally) storedSince(then time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.stored.After(then)
}

// spared is how long a part of the time at most was in which NATS stored what it was given,
// DingTalk answered, and one replica suffered from nothing.
func (t *tally) spared(during span, replicas int) time.Duration {
	var longest time.Duration
	from := during.from
	part := func(to time.Time) {
		hit := map[int]bool{}
		for _, h := range t.hurts {
			if h.victim >= 0 && h.overlaps(span{from, to}) {
				hit[h.victim] = true
			}
		}
		if len(hit) < replicas {
			longest = max(longest, to.Sub(from))
		}
	}
	lost := slices.Concat(t.outages, t.down)
	slices.SortFunc(lost, func(a, b span) int { return a.from.Compare(b.from) })
	for _, o := range lost {
		if !o.overlaps(during) {
			continue
		}
		if o.from.After(from) {
			part(o.from)
		}
		if o.to.After(from) {
			from = o.to
		}
	}
	if during.to.After(from) {
		part(during.to)
	}
	return longest
}

// silenced counts the faults of the kinds during which the victim made no call, although it had
// just before.
func (t *tally) silenced(calls []call, kinds ...string) int {
	const before, grace = 2 * time.Second, 300 * time.Millisecond
	n := 0
	for _, h := range t.hurts {
		if !slices.Contains(kinds, h.in.kind) || h.in.wait < 2*grace {
			continue
		}
		lively := span{h.from.Add(-before), h.from}
		quiet := span{h.from.Add(grace), h.from.Add(h.in.wait)}
		was, is := 0, 0
		for _, c := range calls {
			if c.replica != h.victim {
				continue
			}
			if c.at.After(lively.from) && c.at.Before(lively.to) {
				was++
			}
			if c.at.After(quiet.from) && c.at.Before(quiet.to) {
				is++
			}
		}
		if was > 0 && is == 0 {
			n++
		}
	}
	return n
}
