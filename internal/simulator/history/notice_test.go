package history

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// told prints notices: "time seq meeting scene who(device)...", times in seconds after the epoch.
func told(notices []Notice) []string {
	out := []string{}
	for _, n := range notices {
		parts := []string{offset(n.Info.At), fmt.Sprint(n.Seq), n.Info.ID, string(n.Scene)}
		for _, m := range n.Members {
			parts = append(parts, m.Person.Nick+"("+m.Device+")")
		}
		out = append(out, strings.Join(parts, " "))
	}
	return out
}

func TestWhatIsTold(t *testing.T) {
	tests := map[string]struct {
		meeting string
		leaves  bool
		want    string
	}{
		"a life": {`people: [{nick: Ann, visits: [{from: 1s, to: 2s}, {from: 3s, to: 4s, ends: kick}]}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(desktop)
			2 3 m user_leave Ann(desktop)
			3 4 m user_join Ann(desktop)
			4 5 m user_kicked Ann(desktop)
			10 6 m conference_closed`},
		"devices with a row each": {`people: [{nick: Ann, visits: [{from: 1s, to: 3s}, {from: 2s, to: 4s, device: phone}]}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(desktop)
			2 3 m user_join Ann(phone)
			3 4 m user_leave Ann(desktop)
			4 5 m user_leave Ann(phone)
			10 6 m conference_closed`},
		"devices with one row": {`deviceRows: one, people: [{nick: Ann, visits: [{from: 1s, to: 3s}, {from: 2s, to: 4s, device: phone}]}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(desktop)
			4 3 m user_leave Ann(phone)
			10 4 m conference_closed`},
		"all devices at once": {`people: [{nick: Ann}], actions: [{at: 1s, do: join, person: Ann}, {at: 2s, do: join, person: Ann, device: tv}, {at: 3s, do: kick, person: Ann}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(desktop)
			2 3 m user_join Ann(tv)
			3 4 m user_kicked Ann(desktop) Ann(tv)
			10 5 m conference_closed`},
		"all devices at once with one row": {`deviceRows: one, people: [{nick: Ann}], actions: [{at: 1s, do: join, person: Ann}, {at: 2s, do: join, person: Ann, device: tv}, {at: 3s, do: leave, person: Ann}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(desktop)
			3 3 m user_leave Ann(desktop)
			10 4 m conference_closed`},
		"what nobody tells": {`people: [{nick: Ann, visits: [{from: 1s, to: 2s, ends: drop}]}, {nick: Bob, visits: [{from: 2s, to: 3s, ends: vanish}]},
			{nick: Cat, calls: [{at: 1s, do: invite}, {at: 2s, do: call}, {at: 3s, do: decline}]}], actions: [{at: 5s, do: host, person: Ann}, {at: 6s, do: rename, person: Ann, nick: Eve}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(desktop)
			1 3 m user_invited Cat(desktop)
			2 4 m user_join Bob(desktop)
			10 5 m conference_closed`},
		"everybody leaves at the end": {`people: [{nick: Ann, visits: [{from: 1s}]}, {nick: Bob, visits: [{from: 1s}, {from: 2s, device: phone}]}, {nick: Cat, visits: [{from: 1s, to: 2s}]}]`, true, `
			0 1 m conference_created
			1 2 m user_join Ann(desktop)
			1 3 m user_join Bob(desktop)
			1 4 m user_join Cat(desktop)
			2 5 m user_join Bob(phone)
			2 6 m user_leave Cat(desktop)
			10 7 m user_leave Ann(desktop) Bob(desktop) Bob(phone)
			10 8 m conference_closed`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			scenario := "{meetings: [{id: m, end: 10s, " + test.meeting + "}]}"
			s, clock := play(t, scenario)
			s.leavesAtEnd = test.leaves
			clock.at(time.Minute)
			var want []string
			for line := range strings.SplitSeq(strings.TrimSpace(test.want), "\n") {
				want = append(want, strings.TrimSpace(line))
			}
			assert.Equal(t, want, told(s.take()))
			assert.Empty(t, s.take(), "everything is told once")
		})
	}
}

func TestNothingIsToldOfTheTimeBefore(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, start: -1m, people: [{nick: Ann, visits: [{from: -30s, to: 1s}]}]}]}`)
	clock.at(time.Second)
	assert.Equal(t, []string{"1 1 m user_leave Ann(desktop)"}, told(s.take()))
}

func TestLiveActionsAreToldAtOnceAndOnce(t *testing.T) {
	s, clock := play(t, quiet)
	clock.at(5 * time.Second)
	assert.Equal(t, []string{"0 1 m conference_created", "1 2 m user_join Ann(desktop)"}, told(s.take()))
	_, _, err := s.do("m", LiveAction{Do: Join, Person: "Bob"}, LiveAction{Do: Leave, Person: "Bob"})
	require.NoError(t, err)
	assert.Equal(t, []string{"5 3 m user_join Bob(desktop)", "5.001 4 m user_leave Bob(desktop)"}, told(s.take()), "though the clock stands still")
	_, _, err = s.do("m", LiveAction{Do: Join, Person: "Bob", At: epoch + 2_000}, LiveAction{Do: Leave, Person: "Bob", At: epoch + 3_000})
	require.NoError(t, err)
	assert.Equal(t, []string{"2 5 m user_join Bob(desktop)", "3 6 m user_leave Bob(desktop)"}, told(s.take()), "the past comes late")
	_, _, err = s.do("m", LiveAction{Do: Leave, Person: "Bob"})
	require.Error(t, err)
	_, _, err = s.do("m", LiveAction{Do: Join, Person: "New", Nick: "New", At: epoch + 8_000})
	require.NoError(t, err)
	assert.Empty(t, s.take())
	clock.at(time.Minute)
	assert.Equal(t, []string{"8 7 m user_join New(desktop)", "30 8 m user_leave Ann(desktop)", "60 9 m conference_closed"}, told(s.take()))

	require.NoError(t, s.Add(Plan{ID: "new"}, clock.ms))
	assert.Equal(t, []string{"60 1 new conference_created"}, told(s.take()))
}

// TestPushesAgreeWithTheTruth has everybody told of whom the truth knows, whatever is done and
// whenever it is told.
func TestPushesAgreeWithTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, clock := playPlans(t, Playing{Start: epoch, Speed: 1, Seed: 1}, Plan{
			ID: "m", DeviceRows: rapid.SampledFrom([]DeviceRows{RowPerDevice, OneRow}).Draw(t, "deviceRows"),
			Churn: &Churn{People: 3, Every: Duration(3 * time.Second), Devices: 0.3, Kicks: 0.3},
		})
		s.leavesAtEnd = true
		var all []Notice
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			clock.ms += int64(rapid.IntRange(0, 5_000).Draw(t, "pause"))
			if a := randomAction(t, clock.ms); a.Do != Drop && a.Do != Vanish {
				a.Guest = false
				if a.At < clock.ms {
					a.At = 0 // another past might have been told otherwise, and what is told is told
				}
				_, _, _ = s.do("m", a) // what is impossible changes nothing
			}
			if rapid.Bool().Draw(t, "told") {
				all = append(all, s.take()...)
			}
		}
		clock.ms += 30_000
		_, _, err := s.do("m", LiveAction{Do: End})
		require.NoError(t, err)
		all = append(all, s.take()...)
		visits := map[string][2]int64{} // of devices, by person and start: how many starts and ends were told
		for i, n := range all {
			require.Equal(t, i+1, n.Seq)
			for _, m := range n.Members {
				if n.Scene == SceneInvited {
					continue
				}
				key := fmt.Sprint(m.Person.UnionID, m.Join)
				v := visits[key]
				if n.Scene == SceneJoin {
					v[0]++
				} else {
					v[1]++
				}
				visits[key] = v
			}
		}
		truth, _ := s.truth().Meeting("m")
		for _, p := range truth.People {
			for _, a := range p.Attendances {
				require.Contains(t, visits, fmt.Sprint(p.UnionID, a.Joined), "%v", told(all))
			}
		}
		for key, v := range visits {
			require.Equal(t, v[0], v[1], "%s: %v", key, told(all))
		}
	})
}
