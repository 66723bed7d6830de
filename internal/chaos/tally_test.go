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
	slowest time.Duration // of the clean stops
	unclean []error
}

// hurt is a time in which a replica or the NATS servers suffered from a fault, or were not well again yet.
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

// excused tells whether the meetings could not be looked at all the time: the NATS servers were down, or no replica was
// spared.
func (t *tally) excused(during span, replicas int) bool {
	hit := map[int]bool{}
	for _, h := range t.hurts {
		if h.overlaps(during) {
			hit[h.victim] = true
		}
	}
	return hit[-1] || len(hit) == replicas
}

// silenced counts the faults of the kinds during which the victim made no call, although it had just before.
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
