package simulator

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
)

// armed is a fault that is on, with the times between which it strikes, in Unix milliseconds.
type armed struct {
	Fault
	from, to int64
}

// faultSet is the faults that are on.
type faultSet struct {
	all    []armed
	lastID int
}

// add switches faults on whose From and To count from start.
func (s *faultSet) add(faults []Fault, start int64, speed float64) error {
	if len(s.all)+len(faults) > maxFaults {
		return fmt.Errorf("%w: more than %d faults", ErrScenario, maxFaults)
	}
	for _, f := range faults {
		s.lastID++
		f.ID = s.lastID
		a := armed{Fault: f, from: math.MinInt64, to: math.MaxInt64}
		if f.From != 0 {
			a.from = f.From.after(start, speed)
		}
		if f.To != 0 {
			a.to = f.To.after(start, speed)
		}
		s.all = append(s.all, a)
	}
	return nil
}

func (s *faultSet) clear() { s.all = nil }

// list returns what is on or still to come.
func (s *faultSet) list(now int64) []Fault {
	s.all = slices.DeleteFunc(s.all, func(a armed) bool { return now >= a.to })
	out := make([]Fault, 0, len(s.all))
	for _, a := range s.all {
		out = append(out, a.Fault)
	}
	return out
}

// strike returns the faults of the given stages that hit a call, in the order they were switched on. Of those that
// take the reply's place, or happen to a message to a robot, only the first strikes. A fault that has struck its last time is gone.
func (s *faultSet) strike(class Class, meeting string, now int64, rng *rand.Rand, stages ...stage) []Fault {
	var out []Fault
	replaced := false
	for i := range s.all {
		a := &s.all[i]
		stage := faultSpecs[a.Kind].stage
		if now < a.from || now >= a.to || !slices.Contains(stages, stage) || !a.hits(class, meeting) {
			continue
		}
		alone := stage == stageReply || stage == stageRobot
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
