package simulator

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

func TestScenarioMistakesAreNamed(t *testing.T) {
	person := func(rest string) string { return `{meetings: [{id: m, end: 1m, people: [{nick: Ann, ` + rest + `}]}]}` }
	tests := map[string]struct{ scenario, want string }{
		"nothing":              {"", "it is empty"},
		"no mapping":           {"- a", "line 1: a list where none is wanted"},
		"no YAML":              {"a: [", "did not find"},
		"an unknown key":       {"name: x\nmeetings:\n  - id: m\n    tittle: y", "line 4: unknown key tittle"},
		"a key twice":          {"name: x\nname: y", `line 2: mapping key "name" already defined at line 1`},
		"a second document":    {"name: x\n---\nname: y", "something follows the first document"},
		"a duration":           {"meetings:\n  - id: m\n    start: soon", `line 3: "soon" is not a duration`},
		"a list as duration":   {"meetings:\n  - id: m\n    start: [1]", "line 3: want a duration"},
		"a long duration":      {"meetings:\n  - id: m\n    end: 99999h", "beyond ten years"},
		"an id":                {`{meetings: [{id: "a b"}]}`, `meeting "a b": the id is not 1 to 128`},
		"a long id":            {`{meetings: [{id: ` + strings.Repeat("a", 129) + `}]}`, "the id is not 1 to 128"},
		"no id":                {`{meetings: [{title: x}]}`, "the id is not 1 to 128"},
		"an id twice":          {`{meetings: [{id: m}, {id: m}]}`, `meetings[1]: "m" is there twice`},
		"an end at the start":  {`{meetings: [{id: m, start: 5s, end: 5s}]}`, "end (5s) is not after start (5s)"},
		"keep":                 {`{meetings: [{id: m, keep: -1s}]}`, "keep and keepInfo are not negative"},
		"rejoin":               {`{meetings: [{id: m, rejoin: maybe}]}`, `rejoin is "maybe"`},
		"deviceRows":           {`{meetings: [{id: m, deviceRows: two}]}`, `deviceRows is "two"`},
		"atEnd":                {`{meetings: [{id: m, atEnd: explode}]}`, `atEnd is "explode"`},
		"nobody":               {`{meetings: [{id: m, people: [{phone: true}]}]}`, "people[0]: a person needs a nick"},
		"a person twice":       {`{meetings: [{id: m, people: [{nick: Ann}, {nick: Ann}]}]}`, `people[1]: person "Ann" is there twice`},
		"a unionId twice":      {`{meetings: [{id: m, people: [{nick: Ann}, {id: x, unionId: Ann, nick: B}]}]}`, `unionId "Ann" is there twice`},
		"host and co-host":     {person("host: true, coHost: true"), "both host and co-host"},
		"a guest's unionId":    {person("guest: true, unionId: u"), "a guest has no unionId"},
		"a long nick":          {`{meetings: [{id: m, people: [{nick: ` + strings.Repeat("a", 2000) + `}]}]}`, "longer than 1000 bytes"},
		"leaves before joins":  {person("visits: [{from: 5s, to: 4s}]"), `people[0] "Ann": visits[0]: to (4s) is not after from (5s)`},
		"ends how":             {person("visits: [{from: 5s, to: 6s, ends: join}]"), `ends is "join"`},
		"ends when":            {person("visits: [{from: 5s, ends: kick}]"), "ends without to"},
		"overlapping visits":   {person("visits: [{from: 1s, to: 5s}, {from: 4s, to: 8s}]"), `visits[1]: join at 4s: "Ann" is in the meeting with device "desktop" already`},
		"before the meeting":   {person("visits: [{from: -1s}]"), "the meeting has not begun"},
		"after the meeting":    {person("visits: [{from: 1s, to: 2m}]"), "the meeting has ended"},
		"a call":               {person("calls: [{at: 1s, do: shout}]"), `calls[0]: do is "shout"`},
		"called while there":   {person("visits: [{from: 1s}], calls: [{at: 2s, do: call}]"), `calls[0]: call at 2s: "Ann" is in the meeting already`},
		"an action's person":   {`{meetings: [{id: m, actions: [{at: 1s, do: host, person: Zoe}]}]}`, `actions[0]: host at 1s: the meeting knows no person "Zoe"`},
		"an action":            {`{meetings: [{id: m, people: [{nick: Ann}], actions: [{at: 1s, do: jump, person: Ann}]}]}`, `no such action "jump"`},
		"churn of nobody":      {`{meetings: [{id: m, churn: {every: 1s}}]}`, "churn: people is not between"},
		"churn of too many":    {`{meetings: [{id: m, churn: {every: 1s, people: 3, guests: 2, phones: 2}}]}`, "guests and phones are more"},
		"churn without a pace": {`{meetings: [{id: m, churn: {people: 3}}]}`, "every is not at least 1ms"},
		"churn's gap":          {`{meetings: [{id: m, churn: {people: 3, every: 1s, gap: -1s}}]}`, "gap is negative"},
		"churn's chances":      {`{meetings: [{id: m, churn: {people: 3, every: 1s, kicks: 2}}]}`, "2 is not between 0 and 1"},
		"churn and a namesake": {`{meetings: [{id: m, people: [{id: crowd-1, nick: x}], churn: {people: 3, every: 1s}}]}`, `"crowd-1" is there twice`},
		"speed":                {`{speed: -1}`, "speed -1 is not between"},
		"no speed":             {`{speed: .nan}`, "speed NaN"},
		"tokenLife":            {`{settings: {tokenLife: -1s}}`, "settings.tokenLife"},
		"pageCap":              {`{settings: {pageCap: -1}}`, "settings.pageCap"},
		"shortPages":           {`{settings: {shortPages: 1.5}}`, "settings.shortPages"},
		"totalCount":           {`{settings: {totalCount: all}}`, "settings.totalCount"},
		"callsPerSecond":       {`{settings: {callsPerSecond: -2}}`, "settings.callsPerSecond"},
		"monthlyCalls":         {`{settings: {monthlyCalls: -2}}`, "settings.monthlyCalls"},
		"a fault":              {`{faults: [{kind: html}, {kind: fire}]}`, "faults[1] (fire): no such kind; there are bad-token, block,"},
		"generate.meetings":    {`{generate: {meetings: -1, people: 1}}`, "generate.meetings"},
		"generate.people":      {`{generate: {meetings: 1, people: -1}}`, "generate.people"},
		"generate too much":    {`{generate: {meetings: 10000, people: 10000}}`, "more than 1000000 people"},
		"generate.visits":      {`{generate: {meetings: 1, people: 1, visits: -1}}`, "generate.visits"},
		"generate.gap":         {`{generate: {meetings: 1, people: 1, gap: -1s}}`, "gap are not negative"},
		"generate.rejoin":      {`{generate: {meetings: 1, people: 1, rejoin: x}}`, "generate.rejoin"},
		"generate.kicks":       {`{generate: {meetings: 1, people: 1, kicks: 3}}`, "3 is not between 0 and 1"},
		"generate a namesake":  {`{meetings: [{id: sim-0001}], generate: {meetings: 1, people: 1}}`, `"sim-0001" is there twice`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			sc, err := ParseScenario([]byte(test.scenario))
			require.ErrorIs(t, err, history.ErrScenario)
			assert.Nil(t, sc)
			assert.ErrorContains(t, err, test.want)
		})
	}
}

func TestLoadScenario(t *testing.T) {
	path := filepath.Join(t.TempDir(), "scenario.yaml")
	_, err := LoadScenario(path)
	require.ErrorIs(t, err, os.ErrNotExist)
	require.NoError(t, os.WriteFile(path, []byte("name: mine\nspeed: x"), 0o600))
	_, err = LoadScenario(path)
	require.ErrorIs(t, err, history.ErrScenario)
	assert.ErrorContains(t, err, path)
	require.NoError(t, os.WriteFile(path, []byte("name: mine\nspeed: 2"), 0o600))
	sc, err := LoadScenario(path)
	require.NoError(t, err)
	assert.Equal(t, &Scenario{Name: "mine", Speed: 2}, sc)
}

func TestGeneratedScenariosSurviveTheirFile(t *testing.T) {
	g := history.Generate{
		Meetings: 3, People: 30, Spread: history.Duration(time.Minute), Devices: 0.5, Kicks: 0.2, Calls: 0.3, Absentees: 0.1,
		Guests: 0.2, Outer: 0.2, Phones: 0.2, Endless: 0.3,
	}
	meetings, err := g.Plans(5)
	require.NoError(t, err)
	again, err := g.Plans(5)
	require.NoError(t, err)
	assert.Equal(t, meetings, again)
	other, err := g.Plans(6)
	require.NoError(t, err)
	assert.NotEqual(t, meetings, other)

	sc := &Scenario{Name: "generated", Meetings: meetings, Faults: []fault.Fault{{Kind: fault.Delay, Calls: []fault.Class{fault.ClassInfo}, Delay: history.Duration(time.Second)}}}
	text, err := sc.YAML()
	require.NoError(t, err)
	parsed, err := ParseScenario(text)
	require.NoError(t, err, "%s", text)
	assert.Equal(t, sc, parsed)
}

func TestGeneratedMeetingsHaveEverythingAskedFor(t *testing.T) {
	s, clock := play(t, `{seed: 3, generate: {meetings: 4, people: 60, devices: 0.3, kicks: 0.2, calls: 0.3, absentees: 0.1, guests: 0.1, outer: 0.1, phones: 0.1}}`)
	clock.at(10 * time.Minute)
	truth := s.Truth()
	require.Len(t, truth.Meetings, 4)
	seen := map[string]int{}
	for _, m := range truth.Meetings {
		assert.Greater(t, len(m.People), 40)
		assert.Less(t, len(m.Events), 10*60)
		for _, e := range m.Events {
			seen[e.Reason]++
			if e.UnionID == "" {
				seen["guest"]++
			}
		}
	}
	for _, what := range []string{"joined", "rejoined", "left", "kicked", "guest"} {
		assert.Positive(t, seen[what], what)
	}
}

func TestDemo(t *testing.T) {
	clock := newClock()
	s, err := New(Options{Now: clock.now})
	require.NoError(t, err)
	clock.at(time.Second)
	standup, _ := s.Truth().Meeting("standup")
	assert.NotZero(t, standup.Present, "somebody joins within the first second")

	clock.at(5 * time.Minute)
	truth := s.Truth()
	reasons, guests, nicks := map[string]int{}, 0, map[string]bool{}
	for _, m := range truth.Meetings {
		for _, p := range m.People {
			if p.UnionID == "" {
				guests++
			}
			nicks[p.Nick] = true
		}
		for _, e := range m.Events {
			reasons[e.Reason]++
		}
	}
	assert.GreaterOrEqual(t, len(nicks), 12)
	assert.Positive(t, guests)
	for _, reason := range []string{"joined", "rejoined", "left", "kicked"} {
		assert.Positive(t, reasons[reason], reason)
	}
	standup, _ = truth.Meeting("standup")
	assert.Equal(t, epoch+40_000, standup.EndTime)

	clock.at(time.Hour)
	before, _ := s.Truth().Meeting("lounge")
	clock.at(time.Hour + time.Minute)
	after, _ := s.Truth().Meeting("lounge")
	assert.Greater(t, len(after.Events), len(before.Events)+5, "the lounge stays alive")
	assert.Zero(t, after.EndTime)
}

func TestNewRefusesBadOptions(t *testing.T) {
	for name, o := range map[string]Options{
		"speed":    {Speed: -1},
		"settings": {Settings: Settings{PageCap: -1}},
		"faults":   {Faults: []fault.Fault{{Kind: "fire"}}},
		"scenario": {Scenario: &Scenario{Meetings: []history.Plan{{ID: "no good"}}}},
		"start":    {Start: time.UnixMilli(1)},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := New(o)
			require.ErrorIs(t, err, history.ErrScenario)
		})
	}
}

func FuzzParseScenario(f *testing.F) {
	f.Add(demoYAML)
	f.Add([]byte(lively))
	f.Add([]byte(quiet))
	f.Add([]byte(`{faults: [{kind: huge, bytes: 1, next: 3, from: 1s, to: 2s}], generate: {meetings: 1, people: 2}, settings: {pageCap: 3}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sc, err := ParseScenario(data)
		if err != nil {
			require.ErrorIs(t, err, history.ErrScenario)
			return
		}
		// What is accepted can be played, and written and read again.
		clock := newClock()
		s, err := New(Options{Scenario: sc, Now: clock.now})
		require.NoError(t, err)
		clock.at(time.Second)
		_ = s.Truth().String()
		text, err := sc.YAML()
		require.NoError(t, err)
		_, err = ParseScenario(text)
		require.NoError(t, err, "%s", text)
	})
}
