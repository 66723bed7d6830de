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
	StartTime    int64         // Unix milliseconds; 0 when not known
	LastLook     time.Time     // end of the last successful look; zero before the first
	NextLook     time.Time     // in the past while the look is under way or waits for its turn
	Interval     time.Duration // between looks, at present
	Active       int           // people announced as present
	Sequence     uint64        // of the last member event
	Failures     int           // times in a row that the list could not be read or stored
	LastError    string        // what keeps failing at present, of the list and the information call; empty when nothing does
}

// Meetings returns what is watched, ordered by id.
func (p *Poller) Meetings() []Status {
	p.mu.Lock()
	out := make([]Status, 0, len(p.meetings))
	now, at := p.now(), time.Now()
	for _, m := range p.meetings {
		if m.state != nil {
			out = append(out, m.status(at.Add(m.due-now)))
		}
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
	if !ok || m.state == nil {
		return Status{}, nil, p.notWatched()
	}
	return m.status(time.Now().Add(m.due - p.now())), m.state, nil
}

// status is what was shown last, with the time of the next look. The caller holds Poller.mu.
func (m *meeting) status(next time.Time) Status {
	s := m.state
	out := Status{
		ConferenceID: m.id, Title: s.Title, CreatorID: s.CreatorID, CreatorNick: s.CreatorNick, StartTime: s.StartTime,
		NextLook: next, Interval: m.shown.interval, Active: s.Active, Sequence: s.Sequence,
		Failures: m.shown.failures, LastError: m.shown.lastError,
	}
	if m.shown.lastLook > 0 {
		out.LastLook = time.UnixMilli(m.shown.lastLook)
	}
	return out
}

// Health says how the poller fares.
type Health struct {
	Ready bool // the stored meetings have been read
	// Failing says what fails at present and how: "dingtalk" (no list can be read), "dingtalk information",
	// "dingtalk limit" (calls have to wait), "nats", or "meeting …" for a single one.
	Failing map[string]string
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
