package history

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// maxSpeed bounds the speed: beyond it, minutes become less than the milliseconds DingTalk counts
// in.
const maxSpeed = 100_000

// EarliestStart is the year 2000 in Unix milliseconds. No scenario starts before, so that no time
// of one, be it ten years earlier, is 0 or less.
const EarliestStart = 946_684_800_000

// What can be wrong with a meeting's id.
var (
	ErrExists    = errors.New("there is such a meeting already")
	ErrNoMeeting = errors.New("there is no such meeting")
)

// Playing says how plans are played.
type Playing struct {
	Start int64   // when their offsets begin, Unix milliseconds, not before EarliestStart
	Speed float64 // compresses the offsets; see CheckSpeed
	Seed  uint64  // decides everything left to chance
	// Contradiction, unless nil, is told what cannot happen: that a meeting's history contradicts
	// itself.
	Contradiction func(meeting string, a Action, err error)
}

// Meetings are the meetings of an organisation, each being played. They are not safe for concurrent
// use.
type Meetings struct {
	playing Playing
	byID    map[string]*Meeting
	agenda  agenda
}

// Compile turns plans into meetings. The error wraps [ErrScenario] and names the place.
func Compile(plans []Plan, p Playing) (*Meetings, error) {
	if len(plans) > maxMeetings {
		return nil, tooManyMeetings()
	}
	out := &Meetings{playing: p, byID: make(map[string]*Meeting, len(plans))}
	for i, plan := range plans {
		if _, ok := out.byID[plan.ID]; ok {
			return nil, fmt.Errorf("%w: meetings[%d]: %q is there twice", ErrScenario, i, plan.ID)
		}
		if err := out.Add(plan, p.Start); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// Add adds a meeting whose offsets count from start, in Unix milliseconds. The error wraps
// [ErrScenario] if the plan is wrong, and [ErrExists] if there is a meeting with this id.
func (s *Meetings) Add(plan Plan, start int64) error {
	if _, ok := s.byID[plan.ID]; ok {
		return fmt.Errorf("%w: %q", ErrExists, plan.ID)
	}
	if len(s.byID) >= maxMeetings {
		return tooManyMeetings()
	}
	m, err := plan.compile(start, s.playing)
	if err != nil {
		return err
	}
	s.byID[plan.ID] = m
	s.agenda.add(m)
	return nil
}

func tooManyMeetings() error {
	return fmt.Errorf("%w: more than %d meetings", ErrScenario, maxMeetings)
}

// Find returns the meeting with an id, also one that has not begun.
func (s *Meetings) Find(id string) (*Meeting, bool) {
	m, ok := s.byID[id]
	return m, ok
}

// Len is the number of meetings, those still to come too.
func (s *Meetings) Len() int { return len(s.byID) }

// IDs returns the ids of all meetings, also of those still to come, sorted.
func (s *Meetings) IDs() []string {
	ids := make([]string, 0, len(s.byID))
	for id := range s.byID {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	return ids
}

// Begun returns the meetings that have begun, played up to now (Unix milliseconds) and sorted by
// id.
func (s *Meetings) Begun(now int64) []*Meeting {
	var out []*Meeting
	for _, m := range s.byID {
		if m.Advance(now); m.Begun() {
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *Meeting) int { return cmp.Compare(a.id, b.id) })
	return out
}

// Do makes things happen in a meeting at the time now: all of them, in their order, or none. It
// returns them with their times, and what had been planned for later and can no longer happen. The
// error wraps [ErrScenario] when something cannot happen, and [ErrNoMeeting] when there is no such
// meeting.
func (s *Meetings) Do(id string, now int64, batch ...LiveAction) (done, dropped []Action, err error) {
	m, ok := s.byID[id]
	if !ok {
		return nil, nil, fmt.Errorf("%w: %q", ErrNoMeeting, id)
	}
	done, dropped, err = m.happen(batch, now)
	s.agenda.changed(m)
	return done, dropped, err
}

// Truth returns what has happened by now in all meetings that have begun, sorted by id.
func (s *Meetings) Truth(now int64) Truth {
	out := Truth{At: now, Meetings: []MeetingTruth{}}
	for _, m := range s.Begun(now) {
		out.Meetings = append(out.Meetings, m.truth())
	}
	return out
}

// CheckSpeed refuses a speed nothing can be played at; 0 stands for none given.
func CheckSpeed(speed float64) error {
	if math.IsNaN(speed) || speed < 0 || speed > maxSpeed || speed != 0 && speed < 1.0/maxSpeed {
		return fmt.Errorf("%w: speed %v is not between %v and %d", ErrScenario, speed, 1.0/maxSpeed, maxSpeed)
	}
	return nil
}
