package fault

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// armed is a fault that is on, with the times between which it strikes, in Unix milliseconds.
type armed struct {
	Fault
	from, to int64
}

// Set is the faults that are on. It is not safe for concurrent use.
type Set struct {
	all    []armed
	lastID int
}

// Add switches faults on whose From and To count from start, in Unix milliseconds, and are
// compressed by speed. It gives them their ids. The error wraps [history.ErrScenario]: there are
// too many, and none of these is on.
func (s *Set) Add(faults []Fault, start int64, speed float64) error {
	if len(s.all)+len(faults) > Max {
		return fmt.Errorf("%w: more than %d faults", history.ErrScenario, Max)
	}
	for _, f := range faults {
		s.lastID++
		f.ID = s.lastID
		a := armed{Fault: f, from: math.MinInt64, to: math.MaxInt64}
		if f.From != 0 {
			a.from = f.From.After(start, speed)
		}
		if f.To != 0 {
			a.to = f.To.After(start, speed)
		}
		s.all = append(s.all, a)
	}
	return nil
}

// Clear switches all faults off.
func (s *Set) Clear() { s.all = nil }

// List returns what is on or still to come at the time now (Unix milliseconds); Next is what is
// left of it.
func (s *Set) List(now int64) []Fault {
	s.all = slices.DeleteFunc(s.all, func(a armed) bool { return now >= a.to })
	out := make([]Fault, 0, len(s.all))
	for _, a := range s.all {
		out = append(out, a.Fault)
	}
	return out
}

// Strike returns the faults of the given stages that hit a call about a meeting ("" for none), in
// the order in which they were switched on; rng decides about those with a probability. Of those
// that take the reply's place, or happen to a message to a robot, only the first strikes. A fault
// that has struck its last time is gone.
func (s *Set) Strike(class Class, meeting string, now int64, rng *rand.Rand, stages ...Stage) []Fault {
	var out []Fault
	replaced := false
	for i := range s.all {
		a := &s.all[i]
		stage := specs[a.Kind].stage
		if now < a.from || now >= a.to || !slices.Contains(stages, stage) || !a.hits(class, meeting) {
			continue
		}
		alone := stage == StageReply || stage == StageRobot
		if alone && replaced || a.Probability > 0 && rng.Float64() >= a.Probability {
			continue
		}
		replaced = replaced || alone
		out = append(out, a.Fault)
		if a.Next > 0 {
			if a.Next--; a.Next == 0 {
				a.to = math.MinInt64
			}
		}
	}
	s.all = slices.DeleteFunc(s.all, func(a armed) bool { return now >= a.to })
	return out
}
