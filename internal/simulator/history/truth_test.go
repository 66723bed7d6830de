package history

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// randomPlan draws a meeting with everything that can happen in it.
func randomPlan(t *rapid.T) Plan {
	share := func(label string) float64 { return rapid.SampledFrom([]float64{0, 0.3, 0.7}).Draw(t, label) }
	g := Generate{
		Meetings: 1, People: rapid.IntRange(1, 8).Draw(t, "people"), Length: Duration(time.Minute),
		Visits: 4, Gap: Duration(time.Second), Devices: share("devices"), Kicks: share("kicks"), Calls: share("calls"),
		Absentees: share("absentees"), Guests: share("guests"), Endless: share("endless"),
	}
	meetings, err := g.Plans(rapid.Uint64().Draw(t, "seed"))
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
	return *m
}

// TestTruthAgainstList compares two computations that share nothing but the history: what the truth
// says can be read off the list is there, and what it says has disappeared is not.
func TestTruthAgainstList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := randomPlan(t)
		s, clock := playPlans(t, Playing{Start: epoch, Speed: 1, Seed: 1}, sc)
		m := s.byID[sc.ID]
		for ms := int64(0); ms < 70_000; ms += int64(rapid.IntRange(1, 3000).Draw(t, "step")) {
			clock.ms = epoch + ms
			truth, ok := s.truth().Meeting(m.id)
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

func openPeople(m *Meeting) map[personKey]bool {
	out := map[personKey]bool{}
	for _, r := range m.view.rows {
		if r.Status == StatusActive {
			out[m.keyOf(stay{place: place{person: r.Person}, from: r.Join})] = true
		}
	}
	return out
}

// shown says whether the list shows an event.
func shown(m *Meeting, e ExpectedEvent) bool {
	return slices.ContainsFunc(m.view.rows, func(r Row) bool {
		if m.people[r.Person].UnionID != e.UnionID || m.people[r.Person].Nick != e.Nick {
			return false
		}
		if e.UnionID == "" && r.Join != e.Joined {
			return false // another guest's
		}
		switch e.Reason {
		case "joined", "rejoined":
			return r.Join == e.At
		case endedMeeting:
			return r.Status == StatusActive && r.Join >= e.Joined
		case endedKicked:
			return r.Leave == e.At && r.Status == StatusKicked
		}
		return r.Leave == e.At
	})
}

// TestTruthAgainstRows unites the rows of a list that loses nothing, and must find every
// attendance.
func TestTruthAgainstRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := randomPlan(t)
		plan := &sc
		plan.Rejoin = AddRow
		for i := range plan.People {
			for j := range plan.People[i].Visits {
				if v := &plan.People[i].Visits[j]; v.Ends == Drop || v.Ends == Vanish {
					v.Ends = Kick
				}
			}
		}
		s, clock := playPlans(t, Playing{Start: epoch, Speed: 1, Seed: 1}, sc)
		clock.at(rapid.SampledFrom([]time.Duration{10 * time.Second, 30 * time.Second, time.Minute}).Draw(t, "at"))
		truth, _ := s.truth().Meeting(plan.ID)
		m := s.byID[plan.ID]
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
func spans(m *Meeting, person int) []string {
	const open = 1 << 60
	type interval struct{ from, to int64 }
	var all []interval
	for _, r := range m.view.rows {
		if r.Person != person || r.Join == 0 {
			continue
		}
		span := interval{r.Join, r.Leave}
		if r.Status == StatusActive {
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

// TestTruthAlternates holds the expected events to the law that everybody's joined and left
// alternate.
func TestTruthAlternates(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		sc := randomPlan(t)
		s, clock := playPlans(t, Playing{Start: epoch, Speed: 1, Seed: 1}, sc)
		clock.at(2 * time.Minute)
		truth, _ := s.truth().Meeting(sc.ID)
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
	assert.Equal(t, want, s.truth().String())
}

func TestTruthReadableUntil(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, end: 9s, keep: 30s}]}`)
	clock.at(8 * time.Second)
	m, ok := s.truth().Meeting("m")
	require.True(t, ok)
	assert.Zero(t, m.ReadableUntil)
	clock.at(9 * time.Second)
	m, _ = s.truth().Meeting("m")
	assert.Equal(t, epoch+9_000, m.EndTime)
	assert.Equal(t, epoch+39_000, m.ReadableUntil)
	_, ok = s.truth().Meeting("unknown")
	assert.False(t, ok)
}
