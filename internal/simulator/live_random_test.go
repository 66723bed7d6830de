package simulator

import (
	"fmt"
	"sync"
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
		Device: rapid.SampledFrom([]string{"", "", DefaultDevice, secondDevice}).Draw(t, "device"),
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
		clock := newClock()
		sc := &Scenario{Meetings: []Meeting{{
			ID: "m", Rejoin: rapid.SampledFrom([]Rejoin{ResetRow, AddRow}).Draw(t, "rejoin"),
			DeviceRows: rapid.SampledFrom([]DeviceRows{RowPerDevice, OneRow}).Draw(t, "deviceRows"),
			Churn:      &Churn{People: 2, Every: Duration(5 * time.Second)},
		}}}
		s, err := New(Options{Scenario: sc, Now: clock.now})
		require.NoError(t, err)
		m := s.meetings["m"]
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			clock.ms.Add(int64(rapid.IntRange(0, 5_000).Draw(t, "pause")))
			var batch []LiveAction
			for range rapid.IntRange(1, 3).Draw(t, "batch") {
				batch = append(batch, randomAction(t, clock.ms.Load()))
			}
			before, people := fmt.Sprint(list(s, "m"), m.history), len(m.people)
			if _, _, err := s.Do("m", batch...); err != nil {
				require.ErrorIs(t, err, ErrScenario)
				require.Equal(t, before, fmt.Sprint(list(s, "m"), m.history))
				require.Len(t, m.people, people)
			}
			truth, _ := s.Truth().Meeting("m")
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
	s.meetings["m"].history = make([]Action, maxActions)
	for i := range s.meetings["m"].history {
		s.meetings["m"].history[i] = Action{At: epoch + int64(i) + 1_000_000, Do: End}
	}
	clock.at(time.Second)
	_, _, err := s.Do("m", LiveAction{Do: End})
	require.ErrorIs(t, err, ErrScenario)
	assert.ErrorContains(t, err, "the meeting's history is full")
}

func TestManyClientsAtOnce(t *testing.T) {
	sc, err := ParseScenario([]byte(lively))
	require.NoError(t, err)
	sc.Speed = 100
	s, err := New(Options{Scenario: sc, Settings: Settings{PageCap: 3, ShortPages: 0.3}})
	require.NoError(t, err)
	r := serve(t, s)
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			person := fmt.Sprintf("live-%d", worker)
			for range 20 {
				for _, body := range []string{`{"do":"join","person":"` + person + `"}`, `{"do":"leave","person":"` + person + `"}`} {
					res, err := r.try("POST", "/_sim/meetings/m/actions", []byte(body))
					assert.NoError(t, err)
					assert.Equal(t, 200, res.status, "%s", res.body)
				}
				for _, path := range []string{members, "/v1.0/conference/orgConferences", "/_sim/truth", "/_sim/stats"} {
					res, err := r.try("GET", path, nil)
					assert.NoError(t, err)
					assert.Equal(t, 200, res.status, "%s", res.body)
				}
			}
		})
	}
	group.Wait()
	m, _ := s.Truth().Meeting("m")
	visits := map[string]int{}
	for _, p := range m.People {
		visits[p.UnionID] = len(p.Attendances)
	}
	for worker := range 8 {
		assert.Equal(t, 20, visits[fmt.Sprintf("live-%d", worker)])
	}
}
