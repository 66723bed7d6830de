package poller

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Month is what limits the calls of a month. It learns from the poller what these are needed for.
// Its methods are safe for concurrent use, and do not wait.
type Month interface {
	// PerMeeting returns how many calls a second a meeting may take on average while it goes on;
	// +Inf while there is no limit.
	PerMeeting() float64
	// Began takes note that a meeting began to be watched that started at a time, the zero time
	// when that is not known, and whether a push told of it.
	Began(started time.Time, told bool)
	// Missed takes note that lists begin to show changes that pushes should have told and did not.
	Missed()
	// Telling tells whether pushes can be relied on: not while those of the month are used up, or
	// nearly so.
	Telling() bool
	// Pushed takes note of a push about a meeting.
	Pushed()
	// Held takes note that meetings went on for so many hours, together.
	Held(hours float64)
}

// unlimited is a [Month] without a limit.
type unlimited struct{}

func (unlimited) PerMeeting() float64   { return math.Inf(1) }
func (unlimited) Began(time.Time, bool) {}
func (unlimited) Missed()               {}
func (unlimited) Telling() bool         { return true }
func (unlimited) Pushed()               {}
func (unlimited) Held(float64)          {}

const (
	// thriftyInfo is how long a meeting may go without the information call while calls are saved:
	// its end is told by a push or by the organisation's list.
	thriftyInfo = 2 * time.Hour
	// thriftyAsked is how far apart looks are at most that pushes ask for while calls are saved: the
	// more of them there are in a row, the longer what comes meanwhile is gathered.
	thriftyAsked = 30 * time.Second
	// maxAsksInARow is from how many in a row on they are that far apart.
	maxAsksInARow = 4
	// arrivals is how long after its start a meeting is looked at first while calls are saved: by
	// then most have come.
	arrivals = 170 * time.Second
	// lateStart is how long after a meeting's start a push about it may come.
	lateStart = time.Minute
	// provenFor is how long it counts that a list has shown nothing but what pushes had told, of
	// whichever meeting.
	provenFor = 90 * time.Minute
)

// thrifty tells whether calls are saved, as those of a month are limited.
func (f *fixed) thrifty() bool { return !math.IsInf(f.opts.Month.PerMeeting(), 1) }

// proof is what lists have shown of pushes: whether these tell of all who come and go.
type proof struct {
	fresh             int     // changes that pushes told since the last list
	announced, missed float64 // changes before that, those that pushes told of and did not; old ones fade
	at                moment  // the last list that showed nothing else
}

const (
	// proofMemory is how many changes are remembered, proofLeast how many it takes to know
	// anything, and proofShare which part of them has to have been told.
	proofMemory = 30
	proofLeast  = 5
	proofShare  = 0.8
)

// compare takes note of a list that showed so many changes which no push had told, and tells
// whether that disproves what was known of pushes.
func (p *proof) compare(missed int, now moment) (disproved bool) {
	before := p.holds()
	told := float64(p.fresh)
	if missed == 0 && p.fresh > 0 {
		p.at = now
	}
	p.fresh = 0
	kept := 1.0
	if sum := p.announced + p.missed; sum > 0 {
		kept = min(max(proofMemory-told-float64(missed), 0)/sum, 1)
	}
	p.announced, p.missed = p.announced*kept+told, p.missed*kept+float64(missed)
	return before && !p.holds()
}

// holds tells whether pushes are known to tell of all who come and go.
func (p *proof) holds() bool {
	sum := p.announced + p.missed
	return sum >= proofLeast && p.announced >= proofShare*sum
}

// until is when a list is needed to know whether they still do, in a meeting that was last
// looked at at the moment seen.
func (p *proof) until(seen moment) moment { return max(p.at, seen) + provenFor }

// countPush takes note of what a push told.
func (t *locked) countPush(told []events.Event) {
	for i := range told {
		if told[i].Member != nil {
			t.proof.fresh++
		}
	}
	t.opts.Month.Pushed()
}

// compareList takes note of a list that showed so many changes which no push had told.
func (t *locked) compareList(missed int) {
	if t.proof.compare(missed, t.now()) && t.opts.Month.Telling() {
		t.opts.Month.Missed()
	}
}

// countAsked takes note of a look that begins now, and was asked for or was not.
func (m *meeting) countAsked(now moment) {
	switch {
	case now-m.began > 2*thriftyAsked:
		m.asksInARow = 0
	case m.asked && m.asksInARow < maxAsksInARow:
		m.asksInARow++
	}
}

// proven tells whether pushes can be relied on to tell of all who come and go.
func (t *locked) proven() bool { return t.proof.holds() && t.opts.Month.Telling() }

// firstLook is how long to leave before the first look at a meeting in this state while calls are
// saved.
func (t *locked) firstLook(s *diff.State) time.Duration {
	if t.proven() {
		return provenFor
	}
	if s == nil || s.StartTime == 0 {
		return 0
	}
	age := t.wall().Sub(time.UnixMilli(s.StartTime))
	return min(max(arrivals-age, 0), arrivals)
}

// reviewSaving returns when a call is due for a meeting that is not busy, while calls are saved.
func (t *locked) reviewSaving(m *meeting, now moment) moment {
	if t.proven() {
		if until := t.proof.until(m.lastSeen.Steady); m.listDue <= now && until > now {
			m.listDue = until
			m.interval = max(m.interval, until-m.lastSeen.Steady)
		}
	} else if !m.pace.New() {
		m.listDue = min(m.listDue, now+t.pacer.Interval(&m.pace))
	} else { // put off while pushes told of all
		m.listDue = min(m.listDue, now+arrivals)
	}
	return min(m.listDue, m.infoDue, now+reviewAfter)
}

// countHours takes note of how long meetings went on, of which ours went on for d.
func (t *locked) countHours(d time.Duration) {
	n := 0
	for range t.ours() {
		n++
	}
	t.opts.Month.Held(float64(n) * d.Hours())
}

// countNamed counts changes, but for those of guests: a push cannot name these.
func countNamed(found []events.Event) int {
	n := 0
	for i := range found {
		if m := found[i].Member; m != nil && m.UnionID != "" {
			n++
		}
	}
	return n
}

// Unlisted returns the meetings watched, whichever replica looks at them, that began before a time
// and are not known to be over: the organisation's list should show them. Without a limit of calls
// there are none, as each of them is asked about often enough. Those of other replicas are read
// from the store; what cannot be read is left out, and an error says so.
func (p *Poller) Unlisted(ctx context.Context, before time.Time) (out []string, err error) {
	if !p.thrifty() {
		return nil, nil
	}
	began := func(startTime, startedAt int64) bool {
		at := max(startTime, startedAt)
		return at > 0 && at < before.UnixMilli()
	}
	var own shardSet
	p.table.With(func(t *locked) {
		own = t.held & t.owned()
		for m := range t.ours() {
			if !m.ends() && began(m.brief.startTime, m.brief.startedAt) {
				out = append(out, m.id)
			}
		}
	})
	others := ^own
	if others == 0 {
		return out, nil
	}
	for record, failed := range p.store.All(ctx, others.list()...) {
		switch {
		case failed != nil:
			err = fmt.Errorf("reading what other replicas watch: %w", failed)
		case record.State.IsWatched() && began(record.State.StartTime, record.State.StartedAt):
			out = append(out, record.State.ConferenceID)
		}
	}
	return out, err
}

// toldAll tells whether the last list told everything there is to tell of a meeting that is over:
// nobody was there any more, and nothing can have happened since, as the meeting ended when the
// last one left.
func (p *Poller) toldAll(m *look) bool {
	const sameTime = 2_000
	s := m.record.State
	if !p.thrifty() || !m.certain || s.Active > 0 || s.Size() == 0 || m.endTime == 0 {
		return false
	}
	last := int64(0)
	for person := range s.People() {
		last = max(last, person.LeaveTime)
	}
	return last > 0 && m.endTime <= last+sameTime
}
