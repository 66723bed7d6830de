package simulator

import (
	"fmt"
	"log/slog"
	"math"
)

// maxSpeed bounds the speed: beyond it, minutes become less than the milliseconds DingTalk counts in.
const maxSpeed = 100_000

// earliestStart is the year 2000 in Unix milliseconds. No scenario starts before, so that no time of one, be it ten
// years earlier, is 0 or less.
const earliestStart = 946_684_800_000

// Validate says what is wrong with the scenario; the error wraps [ErrScenario] and names the place.
func (sc *Scenario) Validate() error {
	_, err := sc.compile(earliestStart, 1, 1, slog.New(slog.DiscardHandler))
	return err
}

// compile checks the scenario and turns it into meetings, by id. Start is Unix milliseconds.
func (sc *Scenario) compile(start int64, speed float64, seed uint64, logger *slog.Logger) (map[string]*meeting, error) {
	if err := checkSpeed(sc.Speed); err != nil {
		return nil, err
	}
	if err := sc.Settings.validate(); err != nil {
		return nil, err
	}
	if err := validateFaults(sc.Faults, "faults"); err != nil {
		return nil, err
	}
	plans := sc.Meetings
	if sc.Generate != nil {
		more, err := sc.Generate.Plan(seed)
		if err != nil {
			return nil, err
		}
		plans = append(plans[:len(plans):len(plans)], more...)
	}
	if len(plans) > maxMeetings {
		return nil, fmt.Errorf("%w: more than %d meetings", ErrScenario, maxMeetings)
	}
	out := make(map[string]*meeting, len(plans))
	for i, plan := range plans {
		if _, ok := out[plan.ID]; ok {
			return nil, fmt.Errorf("%w: meetings[%d]: %q is there twice", ErrScenario, i, plan.ID)
		}
		m, err := plan.compile(start, speed, seed, logger)
		if err != nil {
			return nil, err
		}
		out[plan.ID] = m
	}
	return out, nil
}

// checkSpeed refuses a speed nothing can be played at; 0 stands for none given.
func checkSpeed(speed float64) error {
	if math.IsNaN(speed) || speed < 0 || speed > maxSpeed || speed != 0 && speed < 1.0/maxSpeed {
		return fmt.Errorf("%w: speed %v is not between %v and %d", ErrScenario, speed, 1.0/maxSpeed, maxSpeed)
	}
	return nil
}

func validateFaults(faults []Fault, where string) error {
	if len(faults) > maxFaults {
		return fmt.Errorf("%w: more than %d %s", ErrScenario, maxFaults, where)
	}
	for i, f := range faults {
		if err := f.validate(fmt.Sprintf("%s[%d]", where, i)); err != nil {
			return err
		}
	}
	return nil
}
