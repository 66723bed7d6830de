package poller

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller/guarded"
)

// Status is what is known of one watched meeting.
type Status struct {
	ConferenceID string
	Title        string
	CreatorID    string
	CreatorNick  string
	StartTime    int64     // Unix milliseconds; 0 when not known
	LastLook     time.Time // end of the last successful look; zero before the first
	// Now while the look is under way or waits for its turn; never in the past.
	NextLook time.Time
	Interval time.Duration // between looks, at present
	Active   int           // people announced as present
	Sequence uint64        // of the last member event
	Failures int           // times in a row that the list could not be read or stored
	// What keeps failing at present, of the list and the information call; empty when nothing does.
	LastError string
}

// Meetings returns the watched meetings that this replica looks at, ordered by id: none before the
// stored states have been read.
func (p *Poller) Meetings() []Status {
	out := guarded.Get(p.table, (*locked).status)
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.ConferenceID, b.ConferenceID) })
	return out
}

func (t *locked) status() []Status {
	out := make([]Status, 0, len(t.meetings))
	for m := range t.ours() {
		if t.loaded {
			out = append(out, m.status(t.nextLook(m)))
		}
	}
	return out
}

// Meeting returns one watched meeting and what has been announced of it, or [ErrNotWatched]. It may
// be a meeting that another replica looks at; when and how that does is not known here. An error of
// the [Store] says that what has been announced cannot be read.
func (p *Poller) Meeting(ctx context.Context, conferenceID string) (Status, *diff.State, error) {
	status, state := Status{}, (*diff.State)(nil)
	var loaded, known bool
	p.table.With(func(t *locked) {
		m, ok := t.meetings[conferenceID]
		loaded, known = t.loaded, ok && m.watched && t.mine(m)
		if known {
			status, state = m.status(t.nextLook(m)), m.record.State
		}
	})
	switch {
	case !loaded:
		return Status{}, nil, ErrNotReady
	case state != nil:
		return status, state, nil
	}
	record, err := p.store.Load(ctx, conferenceID)
	if err != nil {
		return Status{}, nil, fmt.Errorf("reading %s: %w", conferenceID, err)
	}
	if record.Revision == 0 || record.State.Phase != diff.Watched {
		return Status{}, nil, ErrNotWatched
	}
	if !known {
		status = StatusOf(record.State)
	}
	return status, record.State, nil
}

// StatusOf is what a stored state tells of a meeting. The last look may have been later than it
// says.
func StatusOf(s *diff.State) Status {
	status := statusOf(s.ConferenceID, briefOf(s))
	if s.LookedAt > 0 {
		status.LastLook = time.UnixMilli(s.LookedAt)
	}
	return status
}

func statusOf(conferenceID string, b brief) Status {
	return Status{
		ConferenceID: conferenceID, Title: b.title, CreatorID: b.creatorID, CreatorNick: b.creatorNick,
		StartTime: b.startTime, Active: b.active, Sequence: b.sequence,
	}
}

// nextLook is when a meeting is looked at next: now if a look is under way or overdue.
func (t *locked) nextLook(m *meeting) time.Time {
	due := max(m.due, t.paused)
	if m.last {
		due = max(m.due, t.halted)
	}
	return t.wall().Add(max(due-t.now(), 0))
}

// status is what is known of a meeting, with the time of the next look.
func (m *meeting) status(next time.Time) Status {
	out := statusOf(m.id, m.brief)
	r := m.exceptions()
	out.NextLook, out.Interval, out.Failures, out.LastError = next, m.interval, r.failures, r.lastError
	if m.lastLook > 0 {
		out.LastLook = time.UnixMilli(m.lastLook)
	}
	return out
}

// Health says what of the poller works and what fails.
type Health struct {
	Ready bool // the stored meetings have been read
	// Failing says what fails at present and how: "dingtalk" (no list can be read), "dingtalk
	// information", "dingtalk limit" (calls have to wait), "nats", or "meeting: …" for a single
	// one.
	Failing map[string]string
}

// Health returns what of the poller works and what fails.
func (p *Poller) Health() Health {
	return Health{Ready: guarded.Get(p.table, (*locked).isLoaded), Failing: p.health.failures()}
}

// counters count what happened since the start.
type counters struct {
	looks, failures, events, unknownStatus, uncertain atomic.Uint64
}

// Counts are totals since the start.
type Counts struct {
	Meetings      int    // that are watched and ours to look at now
	Looks         uint64 // begun
	Failures      uint64 // looks that found out nothing
	Events        uint64 // stored
	UnknownStatus uint64 // rows of a status that is not documented
	Uncertain     uint64 // lists whose number of rows differed from their total
	// NewestLook and OldestLook are the ends of the last successful looks at the meetings that are
	// ours now: of the one looked at last and of the one that has gone longest without. Zero when
	// none was looked at.
	NewestLook, OldestLook time.Time
}

// Counts returns the totals.
func (p *Poller) Counts() Counts {
	c := &p.counts
	out := Counts{
		Looks: c.looks.Load(), Failures: c.failures.Load(), Events: c.events.Load(),
		UnknownStatus: c.unknownStatus.Load(), Uncertain: c.uncertain.Load(),
	}
	newest, oldest := int64(0), int64(math.MaxInt64)
	p.table.With(func(t *locked) {
		for m := range t.ours() {
			out.Meetings++
			if m.lastLook > 0 {
				newest, oldest = max(newest, m.lastLook), min(oldest, m.lastLook)
			}
		}
	})
	if newest > 0 {
		out.NewestLook, out.OldestLook = time.UnixMilli(newest), time.UnixMilli(oldest)
	}
	return out
}
