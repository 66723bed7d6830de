package simulator

import (
	"slices"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// Validate says what is wrong with the scenario; the error wraps [history.ErrScenario] and names
// the place.
func (sc *Scenario) Validate() error {
	_, err := sc.compile(history.Playing{Start: history.EarliestStart, Speed: 1, Seed: 1})
	return err
}

// compile checks the scenario and turns its plans into meetings.
func (sc *Scenario) compile(p history.Playing) (*history.Meetings, error) {
	if err := history.CheckSpeed(sc.Speed); err != nil {
		return nil, err
	}
	if err := sc.Settings.validate(); err != nil {
		return nil, err
	}
	if err := fault.ValidateAll(sc.Faults, "faults"); err != nil {
		return nil, err
	}
	plans := sc.Meetings
	if sc.Generate != nil {
		more, err := sc.Generate.Plans(p.Seed)
		if err != nil {
			return nil, err
		}
		plans = append(slices.Clip(plans), more...)
	}
	return history.Compile(plans, p)
}
