package poller

import (
	"context"
	"fmt"
	"iter"
	"math"
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
	NextLook     time.Time     // now while the look is under way or waits for its turn; never in the past
	Interval     time.Duration // between looks, at present
	Active       int           // people announced as present
	Sequence     uint64        // of the last member event
	Failures     int           // times in a row that the list could not be read or stored
	LastError    string        // what keeps failing at present, of the list and the information call; empty when nothing does
}

// Meetings returns what is watched here, ordered by id: the meetings that are ours to look at. There is none before the
// stored states have been read.
func (p *Poller) Meetings() []Status {
	p.mu.Lock()
	out := make([]Status, 0, len(p.meetings))
	for m := range p.ours() {
		if p.loaded {
			out = append(out, m.status(p.nextLook(m)))
		}
	}
	p.mu.Unlock()
	slices.SortFunc(out, func(a, b Status) int { return strings.Compare(a.ConferenceID, b.ConferenceID) })
	return out
}

// ours are the watched meetings that are ours to look at. The caller holds mu.
func (p *Poller) ours() iter.Seq[*meeting] {
	shards := p.held & p.owned()
	return func(yield func(*meeting) bool) {
		for _, m := range p.meetings {
			if m.watched && shards.has(m.shard) && !yield(m) {
				return
			}
		}
	}
}

// Meeting returns one watched meeting and what has been announced of it, whichever replica looks at it, or
// [ErrNotWatched]. When and how another replica looks is not known here. An error of the [Store] says that what has been
// announced cannot be read.
func (p *Poller) Meeting(ctx context.Context, conferenceID string) (Status, *diff.State, error) {
	p.mu.Lock()
	if !p.loaded {
		p.mu.Unlock()
		return Status{}, nil, ErrNotReady
	}
	status, state := Status{}, (*diff.State)(nil)
	m, ok := p.meetings[conferenceID]
	known := ok && m.watched && p.mine(m)
	if known {
		status, state = m.status(p.nextLook(m)), m.record.State
	}
	p.mu.Unlock()
	if state != nil {
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

// StatusOf is what a stored state tells of a meeting that nobody can be asked about: the last look may have been later.
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

// nextLook is when a meeting is looked at next: now if that is under way or overdue. The caller holds mu.
func (p *Poller) nextLook(m *meeting) time.Time {
	due := max(m.due, p.paused)
	if m.last {
		due = max(m.due, p.halted)
	}
	return p.wall().Add(max(due-p.now(), 0))
}

// status is what is known of a meeting, with the time of the next look. The caller holds Poller.mu.
func (m *meeting) status(next time.Time) Status {
	out := statusOf(m.id, m.brief)
	r := m.rarely()
	out.NextLook, out.Interval, out.Failures, out.LastError = next, m.interval, r.failures, r.lastError
	if m.lastLook > 0 {
		out.LastLook = time.UnixMilli(m.lastLook)
	}
	return out
}

// Health says how the poller fares.
type Health struct {
	Ready bool // the stored meetings have been read
	// Failing says what fails at present and how: "dingtalk" (no list can be read), "dingtalk information",
	// "dingtalk limit" (calls have to wait), "nats", or "meeting: …" for a single one.
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
	Meetings      int    // that are watched and ours to look at now
	Looks         uint64 // begun
	Failures      uint64 // looks that found out nothing
	Events        uint64 // stored
	UnknownStatus uint64 // rows of a status that is not documented
	Uncertain     uint64 // lists whose number of rows differed from their total
	// NewestLook and OldestLook are the ends of the last successful looks at the meetings that are ours now: of the one
	// looked at last and of the one that has gone longest without. Zero when none was looked at.
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
	p.mu.Lock()
	defer p.mu.Unlock()
	for m := range p.ours() {
		out.Meetings++
		if m.lastLook > 0 {
			newest, oldest = max(newest, m.lastLook), min(oldest, m.lastLook)
		}
	}
	if newest > 0 {
		out.NewestLook, out.OldestLook = time.UnixMilli(newest), time.UnixMilli(oldest)
	}
	return out
}
