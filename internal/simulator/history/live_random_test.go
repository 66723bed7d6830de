package history

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// randomAction draws an action that may or may not be possible.
func randomAction(t *rapid.T, now int64) LiveAction {
	a := LiveAction{
		Do:     rapid.SampledFrom([]Verb{Join, Join, Join, Leave, Kick, Drop, Vanish, Invite, Call, Decline, Host, CoHost, Member}).Draw(t, "do"),
		Person: rapid.SampledFrom([]string{"a", "b", "c", "gil", "crowd-1"}).Draw(t, "person"),
		Device: rapid.SampledFrom([]string{"", "", DefaultDevice, SecondDevice}).Draw(t, "device"),
	}
	a.Guest = a.Person == "gil"
	if rapid.IntRange(0, 3).Draw(t, "when") == 0 {
		a.At = now + int64(rapid.IntRange(-20_000, 20_000).Draw(t, "offset"))
	}
	return a
}

// TestAnyLiveActionsKeepListAndTruthTogether does whatever can be done, in the past, now and later.
func TestAnyLiveActionsKeepListAndTruthTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, clock := playPlans(t, Playing{Start: epoch, Speed: 1, Seed: 1}, Plan{
			ID: "m", Rejoin: rapid.SampledFrom([]Rejoin{ResetRow, AddRow}).Draw(t, "rejoin"),
			DeviceRows: rapid.SampledFrom([]DeviceRows{RowPerDevice, OneRow}).Draw(t, "deviceRows"),
			Churn:      &Churn{People: 2, Every: Duration(5 * time.Second)},
		})
		m := s.byID["m"]
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			clock.ms += int64(rapid.IntRange(0, 5_000).Draw(t, "pause"))
			var batch []LiveAction
			for range rapid.IntRange(1, 3).Draw(t, "batch") {
				batch = append(batch, randomAction(t, clock.ms))
			}
			before, people := fmt.Sprint(list(s, "m"), m.history), len(m.people)
			if _, _, err := s.do("m", batch...); err != nil {
				require.ErrorIs(t, err, ErrScenario)
				require.Equal(t, before, fmt.Sprint(list(s, "m"), m.history))
				require.Len(t, m.people, people)
			}
			truth, _ := s.truth().Meeting("m")
			require.Equal(t, len(openPeople(m)), truth.Present)
			for _, e := range truth.Events {
				require.Equal(t, !e.Inferred && (e.ListedUntil == 0 || m.at < e.ListedUntil), shown(m, e), "%+v: %+v", e, m.view.rows)
			}
		}
		want := fmt.Sprint(list(s, "m"))
		m.rewind()
		require.Equal(t, want, fmt.Sprint(list(s, "m")), "played again from the start, it is the same")
	})
}

func TestPlannedActions(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, people: [{nick: Ann}, {nick: Bob, visits: [{from: 1s}]}], actions: [
		{at: 2s, do: join, person: Ann}, {at: 3s, do: join, person: Ann, device: phone}, {at: 4s, do: kick, person: Ann},
		{at: 5s, do: member, person: Bob}, {at: 6s, do: end}]}]}`)
	clock.at(time.Minute)
	assert.Equal(t, []string{"Bob 6 1 6", "Ann 5 2 4", "Ann 5 3 4"}, list(s, "m"))
	assert.Equal(t, []string{
		"1 joined Bob 1 joined", "2 joined Ann 1 joined", "4 kicked Ann 1 kicked", "6 left Bob 1 left",
	}, expectedEvents(t, s, "m"))
}

func TestHistoryIsBounded(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m}]}`)
	s.byID["m"].history = make([]Action, maxActions)
	for i := range s.byID["m"].history {
		s.byID["m"].history[i] = Action{At: epoch + int64(i) + 1_000_000, Do: End}
	}
	clock.at(time.Second)
	_, _, err := s.do("m", LiveAction{Do: End})
	require.ErrorIs(t, err, ErrScenario)
	assert.ErrorContains(t, err, "the meeting's history is full")
}
