package poller

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/c4342123/rollcall/diff"
)

// Status is what is known of one watched meeting.
type Status struct {
	ConferenceID string
	Title        string
	CreatorID    string
	CreatorNick  string
	StartTime    int64     // Unix milliseconds; 0 when not known
	LastLook     time.Time // end of the last successful look; zero before the first
	NextLook     time.Time
	Interval     time.Duration // between looks, at present
	Active       int           // people announced as present
	Sequence     uint64        // of the last member event
	Failures     int           // looks failed in a row
	LastError    string        // of the last look; empty when it succeeded
}

func newStatus(s *diff.State) Status {
	return Status{
		ConferenceID: s.ConferenceID, Title: s.Title, CreatorID: s.CreatorID, CreatorNick: s.CreatorNick,
		StartTime: s.StartTime,
	}
}

// describe takes over what the information call says of the meeting.
func (s *Status) describe(info Info) {
	s.Title, s.CreatorID, s.CreatorNick = info.Title, info.CreatorID, info.CreatorNick
	s.StartTime = info.StartTime
}

// complete returns the state with the meeting's description, to be stored along with whatever is stored next.
func (s *Status) complete(state *diff.State) *diff.State {
	if state.Title == s.Title && state.CreatorID == s.CreatorID && state.CreatorNick == s.CreatorNick &&
		state.StartTime == s.StartTime {
		return state
	}
	next := *state
	next.Title, next.CreatorID, next.CreatorNick, next.StartTime = s.Title, s.CreatorID, s.CreatorNick, s.StartTime
	return &next
}

// show publishes what the one who looks knows. The caller holds Poller.mu and has the meeting busy.
func (m *meeting) show() {
	m.shown, m.state = m.status, m.record.State
	m.shown.Interval, m.shown.Failures = m.interval, m.failures
	m.shown.Active, m.shown.Sequence = m.state.Active, m.state.Sequence
}

// Meetings returns what is watched, ordered by id.
func (p *Poller) Meetings() []Status {
	p.mu.Lock()
	out := make([]Status, 0, len(p.meetings))
	for _, m := range p.meetings {
		out = append(out, m.current())
	}
	p.mu.Unlock()
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.ConferenceID, b.ConferenceID) })
	return out
}

// Meeting returns one watched meeting and what has been announced of it, or [ErrNotWatched].
func (p *Poller) Meeting(conferenceID string) (Status, *diff.State, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	m, ok := p.meetings[conferenceID]
	if !ok {
		return Status{}, nil, p.notWatched()
	}
	return m.current(), m.state, nil
}

// current is what was shown last, with the time of the next look.
func (m *meeting) current() Status {
	s := m.shown
	s.NextLook = m.due
	return s
}

// Health says how the poller fares.
type Health struct {
	Ready   bool              // the stored meetings have been read
	Failing map[string]string // what fails at present and how: "dingtalk", "nats", or "meeting …"
}

// Health returns how the poller fares.
func (p *Poller) Health() Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	return Health{Ready: p.loaded, Failing: p.health.failures()}
}

// counters count what happened since the start.
type counters struct {
	looks, failures, events, unknownStatus, uncertain atomic.Uint64
}

// Counts are totals since the start.
type Counts struct {
	Meetings      int    // watched now
	Looks         uint64 // begun
	Failures      uint64 // looks that found out nothing
	Events        uint64 // stored
	UnknownStatus uint64 // rows of a status that is not documented
	Uncertain     uint64 // lists whose number of rows differed from their total
}

// Counts returns the totals.
func (p *Poller) Counts() Counts {
	p.mu.Lock()
	watched := len(p.meetings)
	p.mu.Unlock()
	c := &p.counts
	return Counts{
		Meetings: watched, Looks: c.looks.Load(), Failures: c.failures.Load(), Events: c.events.Load(),
		UnknownStatus: c.unknownStatus.Load(), Uncertain: c.uncertain.Load(),
	}
}
