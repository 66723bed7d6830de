package simulator

import (
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// State is what a simulator is doing. All times are Unix milliseconds.
type State struct {
	At       int64                  `json:"at"`
	Start    int64                  `json:"start"` // when the offsets of the scenario began
	Speed    float64                `json:"speed"`
	Seed     uint64                 `json:"seed"`
	Meetings []history.MeetingState `json:"meetings"` // those that have begun, sorted by id
	Waiting  int                    `json:"waiting"`  // how many meetings have not
	Faults   []fault.Fault          `json:"faults"`
}

// State returns what the simulator is doing.
func (s *Simulator) State() State {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.millis()
	out := State{At: now, Start: s.start, Speed: s.speed, Seed: s.seed, Meetings: []history.MeetingState{}, Faults: s.faults.List(now)}
	for _, m := range s.meetings.Begun(now) {
		out.Meetings = append(out.Meetings, m.State())
	}
	out.Waiting = s.meetings.Len() - len(out.Meetings)
	return out
}
