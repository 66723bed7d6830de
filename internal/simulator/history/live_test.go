package history

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const quiet = `{meetings: [{id: m, rejoin: add, end: 1m, people: [
	{nick: Ann, host: true, visits: [{from: 1s, to: 30s}]}, {nick: Bob}]}, {id: later, start: 10m}]}`

func TestLiveActionsTakeEffectAtOnce(t *testing.T) {
	s, clock := play(t, quiet)
	clock.at(5 * time.Second)
	done, dropped, err := s.do("m",
		LiveAction{Do: Join, Person: "Bob"},
		LiveAction{Do: Join, Person: "Bob", Device: "phone"},
		LiveAction{Do: Leave, Person: "Bob", Device: "desktop"},
		LiveAction{Do: Join, Person: "u-new", Nick: "New One", Outer: true},
		LiveAction{Do: Call, Person: "called", Nick: "Called"},
		LiveAction{Do: Host, Person: "Bob"},
		LiveAction{Do: CoHost, Person: "Ann"},
		LiveAction{Do: Rename, Person: "u-new", Nick: "Newer"},
	)
	require.NoError(t, err)
	assert.Empty(t, dropped)
	assert.Equal(t, epoch+5_000, done[0].At)
	assert.Equal(t, epoch+5_001, done[1].At, "one person's actions are a millisecond apart")
	assert.Equal(t, []string{"Ann 3 1 -", "Bob 6 5 5.002", "Newer 3 5 -", "Called 2 - -", "Bob 3 5.001 -"}, list(s, "m"), "though the clock stands still")

	clock.at(6 * time.Second)
	_, _, err = s.do("m", LiveAction{Do: Kick, Person: "Bob"}, LiveAction{Do: Decline, Person: "called"})
	require.NoError(t, err)
	assert.Equal(t, []string{"Ann 3 1 -", "Bob 6 5 5.002", "Newer 3 5 -", "Called 4 - -", "Bob 5 5.001 6"}, list(s, "m"))
	assert.Equal(t, []string{
		"1 joined Ann 1 joined", "5 joined Bob 1 joined", "5 joined New One 1 joined", "6 kicked Bob 1 kicked",
	}, expectedEvents(t, s, "m"))
}

func TestLiveActionsOverrideThePlan(t *testing.T) {
	s, clock := play(t, quiet)
	clock.at(5 * time.Second)
	_, dropped, err := s.do("m", LiveAction{Do: Kick, Person: "Ann"})
	require.NoError(t, err)
	assert.Equal(t, []Action{{At: epoch + 30_000, Do: Leave, Person: "Ann", Device: DefaultDevice}}, dropped)
	_, dropped, err = s.do("m", LiveAction{Do: End})
	require.NoError(t, err)
	assert.Equal(t, []Action{{At: epoch + 60_000, Do: End}}, dropped)
	clock.at(time.Hour)
	assert.Equal(t, []string{"1 joined Ann 1 joined", "5 kicked Ann 1 kicked"}, expectedEvents(t, s, "m"))
	m, _ := s.truth().Meeting("m")
	assert.Equal(t, epoch+5_001, m.EndTime, "after everything that has happened")
}

// TestTheEndComesAfterWhatHappenedToThosePresent keeps a device that joins as the meeting ends from
// becoming an attendance of its own, of no length.
func TestTheEndComesAfterWhatHappenedToThosePresent(t *testing.T) {
	for _, rows := range []string{"one", "each"} {
		t.Run(rows, func(t *testing.T) {
			want := []string{"1 joined Ann 1 joined", "10.001 left Ann 1 left"}
			planned, clock := play(t, `{meetings: [{id: m, end: 10s, deviceRows: `+rows+`, people: [
				{nick: Ann, visits: [{from: 1s}, {from: 10s, device: phone}]}]}]}`)
			clock.at(time.Minute)
			assert.Equal(t, want, expectedEvents(t, planned, "m"))

			live, clock := play(t, `{meetings: [{id: m, deviceRows: `+rows+`, people: [{nick: Ann, visits: [{from: 1s}]}, {nick: Bob}]}]}`)
			clock.at(10 * time.Second)
			_, _, err := live.do("m", LiveAction{Do: Join, Person: "Ann", Device: "phone"})
			require.NoError(t, err)
			_, _, err = live.do("m", LiveAction{Do: End, At: epoch + 10_000})
			require.ErrorIs(t, err, ErrScenario)
			require.ErrorContains(t, err, `something else happened to "Ann" at that millisecond or later`)
			_, _, err = live.do("m", LiveAction{Do: End})
			require.NoError(t, err)
			assert.Equal(t, want, expectedEvents(t, live, "m"))
		})
	}
}

func TestLiveActionsInThePastAndFuture(t *testing.T) {
	s, clock := play(t, quiet)
	clock.at(20 * time.Second)
	assert.Equal(t, []string{"Ann 3 1 -"}, list(s, "m"))
	_, _, err := s.do("m",
		LiveAction{Do: Join, Person: "Bob", At: epoch + 3_000},
		LiveAction{Do: Leave, Person: "Bob", At: epoch + 4_000},
		LiveAction{Do: Join, Person: "Bob", At: epoch + 25_000})
	require.NoError(t, err)
	assert.Equal(t, []string{"Ann 3 1 -", "Bob 6 3 4"}, list(s, "m"))
	clock.at(25 * time.Second)
	assert.Equal(t, []string{"Ann 3 1 -", "Bob 6 3 4", "Bob 3 25 -"}, list(s, "m"))
}

func TestImpossibleLiveActionsChangeNothing(t *testing.T) {
	tests := map[string]struct {
		batch []LiveAction
		want  string
	}{
		"unknown verb":              {[]LiveAction{{Do: "jump", Person: "Ann"}}, `actions[0] (jump Ann): no such action "jump"`},
		"nobody named":              {[]LiveAction{{Do: Join}}, `join: person is ""`},
		"somebody named at the end": {[]LiveAction{{Do: End, Person: "Ann"}}, `end: person is "Ann"`},
		"unknown person":            {[]LiveAction{{Do: Leave, Person: "Zoe"}}, `the meeting knows no person "Zoe"`},
		"not there":                 {[]LiveAction{{Do: Leave, Person: "Bob"}}, `"Bob" is not in the meeting`},
		"not there with it":         {[]LiveAction{{Do: Leave, Person: "Ann", Device: "phone"}}, `"Ann" is not in the meeting with device "phone"`},
		"there already":             {[]LiveAction{{Do: Join, Person: "Ann"}}, `"Ann" is in the meeting with device "desktop" already`},
		"called while there":        {[]LiveAction{{Do: Call, Person: "Ann"}}, `"Ann" is in the meeting already`},
		"negative time":             {[]LiveAction{{Do: Join, Person: "Bob", At: -1}}, `at is negative`},
		"before the meeting":        {[]LiveAction{{Do: Join, Person: "Bob", At: epoch - 1}}, `the meeting has not begun`},
		"after the meeting":         {[]LiveAction{{Do: Join, Person: "Bob", At: epoch + 60_001}}, `the meeting has ended`},
		"no UTF-8":                  {[]LiveAction{{Do: Join, Person: "B\xffb"}}, `is not UTF-8`},
		"a guest with a unionId":    {[]LiveAction{{Do: Join, Person: "Gil", Guest: true, UnionID: "u"}}, `a guest has no unionId`},
		"a unionId twice":           {[]LiveAction{{Do: Join, Person: "x", UnionID: "Ann"}}, `unionId "Ann" is there twice`},
		"the second of a batch":     {[]LiveAction{{Do: Join, Person: "Zoe"}, {Do: Join, Person: "Ann"}}, `actions[1] (join Ann)`},
		"the second, in the past":   {[]LiveAction{{Do: Join, Person: "Zoe", At: epoch + 2_000}, {Do: Leave, Person: "Bob"}}, `actions[1] (leave Bob)`},
		"contradicts the past":      {[]LiveAction{{Do: Join, Person: "Ann", At: epoch + 500}}, `then "Ann" could not have done "join"`},
		"ends before it happened":   {[]LiveAction{{Do: End, At: epoch + 500}}, `then "Ann" could not have done "join"`},
		"two at one moment":         {[]LiveAction{{Do: Leave, Person: "Ann", At: epoch + 1_000}}, `something else happened to "Ann" at that millisecond`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, clock := play(t, quiet)
			clock.at(5 * time.Second)
			before := list(s, "m")
			done, dropped, err := s.do("m", test.batch...)
			require.ErrorIs(t, err, ErrScenario)
			assert.ErrorContains(t, err, test.want)
			assert.Empty(t, done)
			assert.Empty(t, dropped)
			assert.Equal(t, before, list(s, "m"))
			assert.Len(t, s.byID["m"].State().People, 2, "nobody new is known")
			clock.at(time.Hour)
			assert.Equal(t, []string{"1 joined Ann 1 joined", "30 left Ann 1 left"}, expectedEvents(t, s, "m"))
		})
	}
}

func TestDoInNoMeeting(t *testing.T) {
	s, _ := play(t, quiet)
	_, _, err := s.do("unknown", LiveAction{Do: End})
	require.ErrorIs(t, err, ErrNoMeeting)
	_, _, err = s.do("later", LiveAction{Do: Join, Person: "Ann"})
	assert.ErrorContains(t, err, "the meeting has not begun")
}

func TestAddMeeting(t *testing.T) {
	s, clock := play(t, quiet)
	clock.at(10 * time.Second)
	plan := Plan{ID: "new", People: []Person{{Nick: "Ann", Visits: []Visit{{From: Duration(time.Second)}}}}}
	require.NoError(t, s.Add(plan, clock.ms))
	require.ErrorIs(t, s.Add(plan, clock.ms), ErrExists)
	require.ErrorIs(t, s.Add(Plan{ID: "no good"}, clock.ms), ErrScenario)
	clock.at(11 * time.Second)
	assert.Equal(t, []string{"Ann 3 11 -"}, list(s, "new"))
	assert.Equal(t, []string{"later", "m", "new"}, s.IDs())
}
