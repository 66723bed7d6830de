package simulator

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// heard makes the simulator tell what happens from its beginning on, though nobody is connected.
func heard(s *Simulator) { s.gateway.first = s.created }

// take returns the notices of what has happened since it was called last.
func take(s *Simulator) []notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, ok := s.tellFrom()
	if !ok {
		return nil
	}
	return s.notices(from)
}

// told prints notices: "time seq meeting scene who(device)...", times in seconds after the epoch.
func told(notices []notice) []string {
	out := []string{}
	for _, n := range notices {
		parts := []string{offset(n.at), fmt.Sprint(n.seq), n.meeting, n.scene}
		for _, m := range n.members {
			parts = append(parts, m.UserNick+"("+m.DeviceType+")")
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
			1 2 m user_join Ann(PC)
			2 3 m user_leave Ann(PC)
			3 4 m user_join Ann(PC)
			4 5 m user_kicked Ann(PC)
			10 6 m conference_closed`},
		"devices with a row each": {`people: [{nick: Ann, visits: [{from: 1s, to: 3s}, {from: 2s, to: 4s, device: phone}]}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(PC)
			2 3 m user_join Ann(Android)
			3 4 m user_leave Ann(PC)
			4 5 m user_leave Ann(Android)
			10 6 m conference_closed`},
		"devices with one row": {`deviceRows: one, people: [{nick: Ann, visits: [{from: 1s, to: 3s}, {from: 2s, to: 4s, device: phone}]}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(PC)
			4 3 m user_leave Ann(Android)
			10 4 m conference_closed`},
		"all devices at once": {`people: [{nick: Ann}], actions: [{at: 1s, do: join, person: Ann}, {at: 2s, do: join, person: Ann, device: tv}, {at: 3s, do: kick, person: Ann}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(PC)
			2 3 m user_join Ann(TV)
			3 4 m user_kicked Ann(PC) Ann(TV)
			10 5 m conference_closed`},
		"all devices at once with one row": {`deviceRows: one, people: [{nick: Ann}], actions: [{at: 1s, do: join, person: Ann}, {at: 2s, do: join, person: Ann, device: tv}, {at: 3s, do: leave, person: Ann}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(PC)
			3 3 m user_leave Ann(PC)
			10 4 m conference_closed`},
		"what nobody tells": {`people: [{nick: Ann, visits: [{from: 1s, to: 2s, ends: drop}]}, {nick: Bob, visits: [{from: 2s, to: 3s, ends: vanish}]},
			{nick: Cat, calls: [{at: 1s, do: invite}, {at: 2s, do: call}, {at: 3s, do: decline}]}], actions: [{at: 5s, do: host, person: Ann}, {at: 6s, do: rename, person: Ann, nick: Eve}]`, false, `
			0 1 m conference_created
			1 2 m user_join Ann(PC)
			1 3 m user_invited Cat(PC)
			2 4 m user_join Bob(PC)
			10 5 m conference_closed`},
		"everybody leaves at the end": {`people: [{nick: Ann, visits: [{from: 1s}]}, {nick: Bob, visits: [{from: 1s}, {from: 2s, device: phone}]}, {nick: Cat, visits: [{from: 1s, to: 2s}]}]`, true, `
			0 1 m conference_created
			1 2 m user_join Ann(PC)
			1 3 m user_join Bob(PC)
			1 4 m user_join Cat(PC)
			2 5 m user_join Bob(Android)
			2 6 m user_leave Cat(PC)
			10 7 m user_leave Ann(PC) Bob(PC) Bob(Android)
			10 8 m conference_closed`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			scenario := "{meetings: [{id: m, end: 10s, " + test.meeting + "}]}"
			s, clock := play(t, scenario, func(o *Options) { o.Settings.Push.LeavesAtEnd = test.leaves })
			heard(s)
			clock.at(time.Minute)
			var want []string
			for line := range strings.SplitSeq(strings.TrimSpace(test.want), "\n") {
				want = append(want, strings.TrimSpace(line))
			}
			assert.Equal(t, want, told(take(s)))
			assert.Empty(t, take(s), "everything is told once")
		})
	}
}

func TestNothingIsToldOfTheTimeBefore(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, start: -1m, people: [{nick: Ann, visits: [{from: -30s, to: 1s}]}]}]}`)
	assert.Empty(t, take(s), "nobody listens")
	heard(s)
	clock.at(time.Second)
	assert.Equal(t, []string{"1 1 m user_leave Ann(PC)"}, told(take(s)))
}

func TestLiveActionsAreToldAtOnceAndOnce(t *testing.T) {
	s, clock := play(t, quiet)
	heard(s)
	clock.at(5 * time.Second)
	assert.Equal(t, []string{"0 1 m conference_created", "1 2 m user_join Ann(PC)"}, told(take(s)))
	_, _, err := s.Do("m", LiveAction{Do: Join, Person: "Bob"}, LiveAction{Do: Leave, Person: "Bob"})
	require.NoError(t, err)
	assert.Equal(t, []string{"5 3 m user_join Bob(PC)", "5.001 4 m user_leave Bob(PC)"}, told(take(s)), "though the clock stands still")
	_, _, err = s.Do("m", LiveAction{Do: Join, Person: "Bob", At: epoch + 2_000}, LiveAction{Do: Leave, Person: "Bob", At: epoch + 3_000})
	require.NoError(t, err)
	assert.Equal(t, []string{"2 5 m user_join Bob(PC)", "3 6 m user_leave Bob(PC)"}, told(take(s)), "the past comes late")
	_, _, err = s.Do("m", LiveAction{Do: Leave, Person: "Bob"})
	require.Error(t, err)
	_, _, err = s.Do("m", LiveAction{Do: Join, Person: "New", Nick: "New", At: epoch + 8_000})
	require.NoError(t, err)
	assert.Empty(t, take(s))
	clock.at(time.Minute)
	assert.Equal(t, []string{"8 7 m user_join New(PC)", "30 8 m user_leave Ann(PC)", "60 9 m conference_closed"}, told(take(s)))

	require.NoError(t, s.AddMeeting(Meeting{ID: "new"}))
	assert.Equal(t, []string{"60 1 new conference_created"}, told(take(s)))
}

// TestPushesAgreeWithTheTruth has everybody told of whom the truth knows, whatever is done and whenever it is told.
func TestPushesAgreeWithTheTruth(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := newClock()
		sc := &Scenario{Settings: Settings{Push: PushSettings{LeavesAtEnd: true}}, Meetings: []Meeting{{
			ID: "m", DeviceRows: rapid.SampledFrom([]DeviceRows{RowPerDevice, OneRow}).Draw(t, "deviceRows"),
			Churn: &Churn{People: 3, Every: Duration(3 * time.Second), Devices: 0.3, Kicks: 0.3},
		}}}
		s, err := New(Options{Scenario: sc, Now: clock.now})
		require.NoError(t, err)
		heard(s)
		var all []notice
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			clock.ms.Add(int64(rapid.IntRange(0, 5_000).Draw(t, "pause")))
			if a := randomAction(t, clock.ms.Load()); a.Do != Drop && a.Do != Vanish {
				a.Guest = false
				if a.At < clock.ms.Load() {
					a.At = 0 // another past might have been told otherwise, and what is told is told
				}
				_, _, _ = s.Do("m", a) // what is impossible changes nothing
			}
			if rapid.Bool().Draw(t, "told") {
				all = append(all, take(s)...)
			}
		}
		clock.ms.Add(30_000)
		_, _, err = s.Do("m", LiveAction{Do: End})
		require.NoError(t, err)
		all = append(all, take(s)...)
		visits := map[string][2]int64{} // of devices, by person and start: how many starts and ends were told
		for i, n := range all {
			require.Equal(t, i+1, n.seq)
			for _, m := range n.members {
				if n.scene == sceneInvited {
					continue
				}
				key := fmt.Sprint(m.UserID, *m.JoinTime)
				v := visits[key]
				if n.scene == sceneJoin {
					v[0]++
				} else {
					v[1]++
				}
				visits[key] = v
			}
		}
		truth, _ := s.Truth().Meeting("m")
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

func TestBodies(t *testing.T) {
	s, clock := play(t, `{seed: 7, settings: {corpId: corp}, meetings: [{id: m, title: T, end: 20s, people: [
		{nick: Ann, unionId: u1, host: true, visits: [{from: 1s, to: 11s}]}, {nick: Gil, guest: true, visits: [{from: 2s, to: 3s, ends: kick}]},
		{nick: Oz, outer: true, phone: true, calls: [{at: 4s, do: invite}]}]}]}`)
	heard(s)
	clock.at(time.Minute)
	rng := rand.New(rand.NewPCG(1, 1))
	var got []string
	ids := map[string]bool{}
	for _, n := range take(s) {
		e := s.newEvent(n, rng)
		require.Len(t, e.EventID, 32)
		ids[e.EventID] = true
		got = append(got, strings.ReplaceAll(string(encoded(e)), e.EventID, "ID"))
	}
	assert.Len(t, ids, len(got))
	biz := fmt.Sprint(hash("m") % 1_000_000)
	member := func(at int64, seq int, scene, rest string) string {
		return fmt.Sprintf(`{"EventType":"meeting_member_status_change","EventTime":%d,"CorpId":"corp","BizId":"%s","eventId":"ID","openMemberModels":[{%s}],"statusSeqNum":%d,"changeScene":"%s"}`,
			epoch+at, biz, rest, seq, scene)
	}
	conf := func(at int64, seq int, scene, rest string) string {
		return fmt.Sprintf(`{"EventType":"meeting_status_change","EventTime":%d,"CorpId":"corp","BizId":"%s","eventId":"ID","openConfModel":{"conferenceId":"m","title":"T",%s,"bizScene":"normal","calendarEventId":"","scheduleConferenceId":"%s"},"statusSeqNum":%d,"changeScene":"%s"}`,
			epoch+at, biz, rest, scheduleID("m"), seq, scene)
	}
	for i, want := range []string{
		conf(0, 1, "conference_created", `"status":1,"startTime":1700000000000,"confDuration":0,"creatorId":"u1","creatorNick":"Ann","invitedNum":0,"activeNum":0,"attendNum":0,"bizType":"3"`),
		member(1_000, 2, "user_join", `"userId":"u1","userNick":"Ann","conferenceId":"m","joinTime":1700000001000,"leaveTime":1700000011000,"duration":1000,"attendStatus":3,"deviceType":"PC","host":true,"coHost":false,"pstnJoin":false`),
		member(2_000, 3, "user_join", `"userId":"","userNick":"Gil","conferenceId":"m","joinTime":1700000002000,"leaveTime":1700000012000,"duration":1000,"attendStatus":3,"deviceType":"PC","host":false,"coHost":false,"pstnJoin":false`),
		member(3_000, 4, "user_kicked", `"userId":"","userNick":"Gil","conferenceId":"m","joinTime":1700000002000,"leaveTime":1700000003000,"duration":1000,"attendStatus":5,"deviceType":"PC","host":false,"coHost":false,"pstnJoin":false`),
		member(4_000, 5, "user_invited", `"userId":"","userNick":"Oz","conferenceId":"m","joinTime":0,"leaveTime":0,"duration":0,"attendStatus":1,"deviceType":"PC","host":false,"coHost":false,"pstnJoin":true`),
		member(11_000, 6, "user_leave", `"userId":"u1","userNick":"Ann","conferenceId":"m","joinTime":1700000001000,"leaveTime":1700000011000,"duration":10000,"attendStatus":6,"deviceType":"PC","host":true,"coHost":false,"pstnJoin":false`),
		conf(20_000, 7, "conference_closed", `"status":2,"startTime":1700000000000,"confDuration":20000,"creatorId":"u1","creatorNick":"Ann","invitedNum":1,"activeNum":0,"attendNum":2,"bizType":3`),
	} {
		assert.Equal(t, want, got[i])
	}
}

func TestDamagedEvents(t *testing.T) {
	s, clock := play(t, quiet, func(o *Options) { o.Settings.Push.TargetPush = true })
	heard(s)
	clock.at(time.Second)
	notices := take(s)
	rng := rand.New(rand.NewPCG(1, 1))
	created, joined := s.newEvent(notices[0], rng), s.newEvent(notices[1], rng)
	assert.Equal(t, "meeting_status_change_target_push", created.EventType)
	assert.Equal(t, "meeting_member_status_change_target_push", joined.EventType)

	assert.Equal(t, "Ann", joined.with(nil).OpenMemberModels[0].UserID)
	assert.Empty(t, joined.with(damage{FaultPushNoUser}).OpenMemberModels[0].UserID)
	assert.Equal(t, unknownEvent, joined.with(damage{FaultPushUnknownType}).EventType)
	bare := string(encoded(joined.with(damage{FaultPushNoTimes})))
	assert.NotContains(t, bare, "joinTime")
	assert.NotContains(t, bare, "leaveTime")
	assert.NotContains(t, bare, "duration")
	for _, e := range []*pushEvent{created, joined} {
		for _, kind := range []FaultKind{FaultPushForged, FaultPushWrongOwner} {
			lie := e.with(damage{kind})
			assert.Equal(t, e.EventID, lie.EventID)
			assert.Equal(t, "meeting_member_status_change_target_push", lie.EventType)
			assert.Equal(t, intruder, lie.OpenMemberModels[0].UserNick)
			assert.Equal(t, "m", lie.OpenMemberModels[0].ConferenceID)
			assert.True(t, json.Valid(encoded(lie)))
		}
	}
	assert.Equal(t, "Ann", joined.OpenMemberModels[0].UserID, "the event itself is left alone")
}
