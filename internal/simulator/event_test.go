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

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// heard makes the simulator tell what happens from its beginning on, though nobody is connected.
func heard(s *Simulator) { s.gateway.first = s.created }

// take returns the notices of what has happened since it was called last.
func take(s *Simulator) []history.Notice {
	s.mu.Lock()
	defer s.mu.Unlock()
	from, ok := s.tellFrom()
	if !ok {
		return nil
	}
	return s.notices(from)
}

func TestNobodyIsToldBeforeSomebodyListens(t *testing.T) {
	s, clock := play(t, `{settings: {push: {leavesAtEnd: true}}, meetings: [{id: m, start: -1m, end: 2s, people: [
		{nick: Ann, visits: [{from: -30s, to: 1s}]}, {nick: Bob, visits: [{from: -20s}]}]}]}`)
	assert.Empty(t, take(s), "nobody listens")
	heard(s)
	clock.at(2 * time.Second)
	var got []string
	for _, n := range take(s) {
		got = append(got, string(n.Scene))
	}
	assert.Equal(t, []string{"user_leave", "user_leave", "conference_closed"}, got)
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
	biz := fmt.Sprint(history.Hash("m") % 1_000_000)
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
	assert.Empty(t, joined.with(damage{fault.PushNoUser}).OpenMemberModels[0].UserID)
	assert.Equal(t, unknownEvent, joined.with(damage{fault.PushUnknownType}).EventType)
	bare := string(encoded(joined.with(damage{fault.PushNoTimes})))
	assert.NotContains(t, bare, "joinTime")
	assert.NotContains(t, bare, "leaveTime")
	assert.NotContains(t, bare, "duration")
	for _, e := range []*pushEvent{created, joined} {
		for _, kind := range []fault.Kind{fault.PushForged, fault.PushWrongOwner} {
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

func TestDeviceTypes(t *testing.T) {
	for device, want := range map[string]string{history.DefaultDevice: "PC", history.SecondDevice: "Android", "tv": "TV"} {
		assert.Equal(t, want, deviceType(device))
	}
}
