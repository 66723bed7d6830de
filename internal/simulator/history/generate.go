package history

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// Generate describes random meetings. Shares are probabilities between 0 and 1; the zero value of
// everything but Meetings and People works.
type Generate struct {
	Meetings int    `yaml:"meetings"`
	People   int    `yaml:"people"`           // of each meeting
	Prefix   string `yaml:"prefix,omitempty"` // of the meetings' ids; "sim-" when empty
	// Length is how long each meeting lasts; 10 minutes when 0. Spread is the time over which their
	// starts are scattered.
	Length Duration `yaml:"length,omitempty"`
	Spread Duration `yaml:"spread,omitempty"`
	Visits int      `yaml:"visits,omitempty"` // the most visits of a person; 3 when 0
	// Gap is the least time between two things one person does. A client that looks more often
	// misses nothing, even where rows are reset. 2 s when 0.
	Gap       Duration `yaml:"gap,omitempty"`
	Devices   float64  `yaml:"devices,omitempty"`   // of visits with a second device
	Kicks     float64  `yaml:"kicks,omitempty"`     // of visits that end with a kick
	Calls     float64  `yaml:"calls,omitempty"`     // of people who are invited and called first
	Absentees float64  `yaml:"absentees,omitempty"` // of people who never come
	Guests    float64  `yaml:"guests,omitempty"`    // of people without a unionId
	Outer     float64  `yaml:"outer,omitempty"`     // of people from another organisation
	Phones    float64  `yaml:"phones,omitempty"`    // of people who join by telephone
	Endless   float64  `yaml:"endless,omitempty"`   // of meetings without an end
	Rejoin    Rejoin   `yaml:"rejoin,omitempty"`    // by chance when empty
}

// maxGenerated bounds meetings times people.
const maxGenerated = 1_000_000

func (g Generate) check() error {
	switch {
	case g.Meetings < 0 || g.Meetings > maxMeetings:
		return fmt.Errorf("%w: generate.meetings is not between 0 and %d", ErrScenario, maxMeetings)
	case g.People < 0 || g.People > maxPeople:
		return fmt.Errorf("%w: generate.people is not between 0 and %d", ErrScenario, maxPeople)
	case g.Meetings*g.People > maxGenerated:
		return fmt.Errorf("%w: generate: more than %d people in all", ErrScenario, maxGenerated)
	case g.Visits < 0 || g.Visits > 1000:
		return fmt.Errorf("%w: generate.visits is not between 0 and 1000", ErrScenario)
	case g.Length < 0 || g.Spread < 0 || g.Gap < 0:
		return fmt.Errorf("%w: generate.length, spread and gap are not negative", ErrScenario)
	case g.Rejoin != "" && g.Rejoin != ResetRow && g.Rejoin != AddRow:
		return fmt.Errorf("%w: generate.rejoin is %q, neither %s nor %s", ErrScenario, g.Rejoin, ResetRow, AddRow)
	}
	for _, p := range []float64{g.Devices, g.Kicks, g.Calls, g.Absentees, g.Guests, g.Outer, g.Phones, g.Endless} {
		if !IsShare(p) {
			return fmt.Errorf("%w: generate: %v is not between 0 and 1", ErrScenario, p)
		}
	}
	return nil
}

// Plans returns the random meetings for a seed: the same seed gives the same meetings. An error
// wraps [ErrScenario].
func (g Generate) Plans(seed uint64) ([]Plan, error) {
	if err := g.check(); err != nil {
		return nil, err
	}
	g.Prefix = cmp.Or(g.Prefix, "sim-")
	g.Length = cmp.Or(g.Length, Duration(10*time.Minute))
	g.Gap = cmp.Or(g.Gap, Duration(2*time.Second))
	g.Visits = cmp.Or(g.Visits, 3)
	out := make([]Plan, 0, g.Meetings)
	for i := range g.Meetings {
		out = append(out, g.meeting(i, rand.New(rand.NewPCG(seed, uint64(i)))))
	}
	return out, nil
}

func (g Generate) meeting(i int, rng *rand.Rand) Plan {
	m := Plan{
		ID:     fmt.Sprintf("%s%04d", g.Prefix, i+1),
		Title:  fmt.Sprintf("Meeting %d", i+1),
		Start:  span(rng, 0, g.Spread),
		Rejoin: g.Rejoin,
	}
	if m.Rejoin == "" {
		m.Rejoin = []Rejoin{ResetRow, AddRow}[rng.IntN(2)]
	}
	if !chance(rng, g.Endless) {
		end := m.Start + g.Length
		m.End = &end
	}
	for j := range g.People {
		m.People = append(m.People, g.person(j, m.Start, rng))
	}
	return m
}

func (g Generate) person(j int, start Duration, rng *rand.Rand) Person {
	p := Person{ID: fmt.Sprintf("p%d", j+1), Nick: name(j), Host: j == 0, CoHost: j == 1}
	switch {
	case chance(rng, g.Guests):
		p.Guest = true
	case chance(rng, g.Outer):
		p.Outer = true
	case chance(rng, g.Phones):
		p.Phone = true
	}
	absent := chance(rng, g.Absentees)
	first := g.firstJoin(start, rng)
	if chance(rng, g.Calls) || absent {
		p.Calls = append(p.Calls, Ring{At: start, Do: Invite}, Ring{At: start + g.Gap, Do: Call})
		first = max(first, start+2*g.Gap)
		if absent && chance(rng, 0.5) {
			p.Calls = append(p.Calls, Ring{At: first, Do: Decline})
		}
	}
	if !absent {
		p.Visits = g.visits(first, start+g.Length, !p.Guest, rng)
	}
	return p
}

// firstJoin puts most arrivals into the first tenth of a meeting.
func (g Generate) firstJoin(start Duration, rng *rand.Rand) Duration {
	if chance(rng, 0.7) {
		return span(rng, start, start+g.Length/10)
	}
	return span(rng, start, start+g.Length*2/3)
}

// visits plans a person's stays between from and end, at least a gap apart.
func (g Generate) visits(from, end Duration, devices bool, rng *rand.Rand) []Visit {
	var out []Visit
	for range 1 + rng.IntN(g.Visits) {
		last := end - 2*g.Gap
		if from+g.Gap >= last {
			break
		}
		to := span(rng, from+g.Gap, last)
		v := Visit{From: from, To: &to}
		if chance(rng, g.Kicks) {
			v.Ends = Kick
		}
		out = append(out, v)
		if devices && chance(rng, g.Devices) && to-from > 4*g.Gap {
			second, until := span(rng, from+g.Gap, to-2*g.Gap), to-g.Gap
			if v.Ends == "" && chance(rng, 0.5) {
				until = to + g.Gap
			}
			out = append(out, Visit{From: second, To: &until, Device: SecondDevice})
			to = max(to, until)
		}
		from = to + g.Gap + span(rng, 0, g.Length/10)
	}
	if n := len(out); n > 0 && chance(rng, 0.3) && out[n-1].Device == "" && out[n-1].Ends == "" {
		out[n-1].To = nil // stays to the end
	}
	return slices.Clip(out)
}

// span returns a time between from and to, on a millisecond.
func span(rng *rand.Rand, from, to Duration) Duration {
	ms := Duration(time.Millisecond)
	return from + Duration(rng.Int64N(max(int64((to-from)/ms), 0)+1))*ms
}

func chance(rng *rand.Rand, p float64) bool { return rng.Float64() < p }
