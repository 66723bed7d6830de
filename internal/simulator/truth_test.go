package simulator

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// randomScenario draws a scenario with everything that can happen in it.
func randomScenario(t *rapid.T) *Scenario {
	share := func(label string) float64 { return rapid.SampledFrom([]float64{0, 0.3, 0.7}).Draw(t, label) }
	g := Generate{
		Meetings: 1, People: rapid.IntRange(1, 8).Draw(t, "people"), Length: Duration(time.Minute),
		Visits: 4, Gap: Duration(time.Second), Devices: share("devices"), Kicks: share("kicks"), Calls: share("calls"),
		Absentees: share("absentees"), Guests: share("guests"), Endless: share("endless"),
	}
	meetings, err := g.Plan(rapid.Uint64().Draw(t, "seed"))
	require.NoError(t, err)
	m := &meetings[0]
	m.DeviceRows = rapid.SampledFrom([]DeviceRows{RowPerDevice, OneRow}).Draw(t, "deviceRows")
	m.AtEnd = rapid.SampledFrom([]AtEnd{CloseRows, LeaveRowsOpen}).Draw(t, "atEnd")
	for i := range m.People {
		for j := range m.People[i].Visits {
			if v := &m.People[i].Visits[j]; v.Ends == Kick {
				v.Ends = rapid.SampledFrom([]Verb{Kick, Drop, Vanish}).Draw(t, "ends")
			}
		}
	}
	if rapid.Bool().Draw(t, "churn") {
		m.Churn = &Churn{People: 4, Guests: 1, Every: Duration(time.Second), Kicks: 0.3, Calls: 0.3, Devices: 0.3}
	}
	return &Scenario{Meetings: meetings}
}

// TestTruthAgainstList compares two computations that share nothing but the history: what the truth says can be read
// off the list is there, and what it says has disappeared is not.
func TestTruthAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := randomScenario(t)
		clock := newClock()
		s, err := New(Options{Scenario: sc, Now: clock.now})
		require.NoError(t, err)
		m := s.meetings[sc.Meetings[0].ID]
		for ms := int64(0); ms < 70_000; ms += int64(rapid.IntRange(1, 3000).Draw(t, "step")) {
			clock.ms.Store(epoch + ms)
			truth, ok := s.Truth().Meeting(m.id)
			if !ok {
				continue
			}
			if m.view.ended == 0 {
				require.Equal(t, len(openPeople(m)), truth.Present)
			}
			for _, e := range truth.Events {
				require.Equal(t, !e.Inferred && (e.ListedUntil == 0 || m.at < e.ListedUntil), shown(m, e), "%+v at %s: %+v", e, offset(m.at), m.view.rows)
			}
		}
	})
}

func openPeople(m *meeting) map[personKey]bool {
	out := map[personKey]bool{}
	for _, r := range m.view.rows {
		if r.status == statusActive {
			out[m.keyOf(stay{place: place{person: r.person}, from: r.join})] = true
		}
	}
	return out
}

// shown says whether the list shows an event.
func shown(m *meeting, e ExpectedEvent) bool {
	return slices.ContainsFunc(m.view.rows, func(r row) bool {
		if m.people[r.person].UnionID != e.UnionID || m.people[r.person].Nick != e.Nick {
			return false
		}
		if e.UnionID == "" && r.join != e.Joined {
			return false // another guest's
		}
		switch e.Reason {
		case "joined", "rejoined":
			return r.join == e.At
		case endedMeeting:
			return r.status == statusActive && r.join >= e.Joined
		case endedKicked:
			return r.leave == e.At && r.status == statusKicked
		}
		return r.leave == e.At
	})
}

// TestTruthAgainstRows unites the rows of a list that loses nothing, and must find every attendance.
func TestTruthAgainstRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := randomScenario(t)
		plan := &sc.Meetings[0]
		plan.Rejoin = AddRow
		for i := range plan.People {
			for j := range plan.People[i].Visits {
				if v := &plan.People[i].Visits[j]; v.Ends == Drop || v.Ends == Vanish {
					v.Ends = Kick
				}
			}
		}
		clock := newClock()
		s, err := New(Options{Scenario: sc, Now: clock.now})
		require.NoError(t, err)
		clock.at(rapid.SampledFrom([]time.Duration{10 * time.Second, 30 * time.Second, time.Minute}).Draw(t, "at"))
		truth, _ := s.Truth().Meeting(plan.ID)
		m := s.meetings[plan.ID]
		want := map[string][]string{}
		for _, p := range truth.People {
			for _, a := range p.Attendances {
				key := p.UnionID + p.Nick
				want[key] = append(want[key], fmt.Sprint(a.Joined, "-", a.Left))
			}
		}
		got := map[string][]string{}
		for i, p := range m.people {
			if attended := spans(m, i); attended != nil {
				key := p.UnionID + p.Nick
				got[key] = append(got[key], attended...)
			}
		}
		for key := range want { // guests may be namesakes
			slices.Sort(want[key])
			slices.Sort(got[key])
		}
		require.Equal(t, want, got)
	})
}

// spans unites the intervals of a person's rows; a guest's are left alone.
func spans(m *meeting, person int) []string {
	const open = 1 << 60
	type interval struct{ from, to int64 }
	var all []interval
	for _, r := range m.view.rows {
		if r.person != person || r.join == 0 {
			continue
		}
		span := interval{r.join, r.leave}
		if r.status == statusActive {
			span.to = open
			if m.view.ended != 0 {
				span.to = m.view.ended
			}
		}
		all = append(all, span)
	}
	slices.SortFunc(all, func(a, b interval) int { return int(a.from - b.from) })
	var out []interval
	for _, span := range all {
		if n := len(out); n > 0 && span.from < out[n-1].to && !m.people[person].Guest {
			out[n-1].to = max(out[n-1].to, span.to)
			continue
		}
		out = append(out, span)
	}
	var text []string
	for _, span := range out {
		if span.to == open {
			span.to = 0
		}
		text = append(text, fmt.Sprint(span.from, "-", span.to))
	}
	return text
}

// TestTruthAlternates holds the expected events to the law that everybody's joined and left alternate.
func TestTruthAlternates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := randomScenario(t)
		clock := newClock()
		s, err := New(Options{Scenario: sc, Now: clock.now})
		require.NoError(t, err)
		clock.at(2 * time.Minute)
		truth, _ := s.Truth().Meeting(sc.Meetings[0].ID)
		present := map[string]bool{}
		at := int64(0)
		for _, e := range truth.Events {
			key := e.UnionID
			if key == "" {
				key = fmt.Sprint(e.Nick, e.Joined)
			}
			require.Equal(t, e.Event != "joined", present[key], "%+v", e)
			require.LessOrEqual(t, at, e.At)
			present[key], at = e.Event == "joined", e.At
		}
	})
}

func TestTruthText(t *testing.T) {
	s, clock := play(t, `{meetings: [
		{id: m, title: Weekly, end: 9s, people: [{nick: Ann, id: u-ann, visits: [{from: 1s, to: 5s, ends: kick}]}, {nick: Gil, guest: true, visits: [{from: 2s}]}]},
		{id: n, title: Daily, people: [{nick: 王芳, id: u-w, visits: [{from: 3s}]}]},
		{id: later, start: 1h}]}`)
	clock.at(10 * time.Second)
	at := func(d time.Duration) string { return time.UnixMilli(epoch).Add(d).Format("15:04:05.000") }
	want := fmt.Sprintf(`m  "Weekly"  started %[1]s  ended %[6]s
  Ann  u-ann  %[2]s–%[5]s kicked
  Gil  guest  %[3]s–%[6]s left
n  "Daily"  started %[1]s  1 present
  王芳  u-w  %[4]s–
`, at(0), at(time.Second), at(2*time.Second), at(3*time.Second), at(5*time.Second), at(9*time.Second))
	assert.Equal(t, want, s.Truth().String())
}

func TestTruthReadableUntil(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, end: 9s, keep: 30s}]}`)
	clock.at(8 * time.Second)
	m, ok := s.Truth().Meeting("m")
	require.True(t, ok)
	assert.Zero(t, m.ReadableUntil)
	clock.at(9 * time.Second)
	m, _ = s.Truth().Meeting("m")
	assert.Equal(t, epoch+9_000, m.EndTime)
	assert.Equal(t, epoch+39_000, m.ReadableUntil)
	_, ok = s.Truth().Meeting("unknown")
	assert.False(t, ok)
}
