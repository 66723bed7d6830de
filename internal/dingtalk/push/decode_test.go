package push

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// The documented examples.
const (
	created = `{"EventType":"meeting_status_change","EventTime":1663143335567,"CorpId":"ding9f50","BizId":"1663","eventId":"c7c7120f2c07419",
 "openConfModel":{"conferenceId":"6321a","title":"Weekly","status":1,"startTime":1684215608570,"confDuration":1000,"creatorId":"2iPOw",
  "creatorNick":"Ann","invitedNum":10,"activeNum":10,"attendNum":6,"bizType":"3","bizScene":"autoCall","calendarEventId":"UUNo","scheduleConferenceId":"f2fb"},
 "statusSeqNum":1,"changeScene":"conference_created"}`
	joined = `{"EventType":"meeting_member_status_change","EventTime":1663143335567,"CorpId":"ding9f50","BizId":"1663","eventId":"c7c7120f2c07420",
 "openMemberModels":[{"userId":"2iPOw","userNick":"Ann","conferenceId":"6321a","joinTime":1663143334000,"leaveTime":1663143344000,"duration":1000,
  "attendStatus":3,"deviceType":"Android","host":false,"coHost":true,"pstnJoin":false}],
 "statusSeqNum":2,"changeScene":"user_join"}`
)

func annJoined() Push {
	return Push{
		Type: memberEvent, ID: "c7c7120f2c07420", Time: 1663143335567,
		Notices: []Notice{{
			ConferenceID: "6321a", Scene: MemberJoined, Time: 1663143335567,
			Rows: []diff.Row{{UnionID: "2iPOw", UserNick: "Ann", JoinTime: 1663143334000, Status: diff.StatusActive, CoHost: true}},
		}},
	}
}

func decode(t *testing.T, data string) Push {
	t.Helper()
	p, err := Decode([]byte(data), Envelope{}, nil)
	require.NoError(t, err)
	return p
}

func TestCreatedIsNoEndThoughItsStatusSaysSo(t *testing.T) {
	want := Push{
		Type: statusEvent, ID: "c7c7120f2c07419", Time: 1663143335567,
		Notices: []Notice{{
			ConferenceID: "6321a", Scene: MeetingCreated, Time: 1663143335567,
			Meeting: Meeting{Title: "Weekly", CreatorID: "2iPOw", CreatorNick: "Ann", StartTime: 1684215608570},
		}},
	}
	for _, status := range []string{"0", "1", "2", `"1"`, "null"} {
		assert.Equal(t, want, decode(t, strings.Replace(created, `"status":1`, `"status":`+status, 1)), status)
	}
}

func TestClosedWhateverItsStatus(t *testing.T) {
	closed := strings.Replace(created, "conference_created", "conference_closed", 1)
	for _, status := range []string{"1", "2"} {
		n := decode(t, strings.Replace(closed, `"status":1`, `"status":`+status, 1)).Notices[0]
		assert.Equal(t, MeetingClosed, n.Scene)
		assert.False(t, n.Look)
	}
}

func TestJoinIgnoresItsLeaveTimeAndStatus(t *testing.T) {
	assert.Equal(t, annJoined(), decode(t, joined))
	for _, status := range []string{"0", "1", "5", "6", "7", `"3"`, "null"} {
		assert.Equal(t, annJoined(), decode(t, strings.Replace(joined, `"attendStatus":3`, `"attendStatus":`+status, 1)), status)
	}
}

func TestEndsCarryTheirLeaveTime(t *testing.T) {
	for scene, status := range map[Scene]diff.AttendStatus{MemberLeft: diff.StatusLeft, MemberKicked: diff.StatusKicked} {
		p := decode(t, strings.Replace(joined, "user_join", string(scene), 1))
		want := annJoined().Notices[0]
		want.Scene, want.Rows[0].Status, want.Rows[0].LeaveTime = scene, status, 1663143344000
		assert.Equal(t, []Notice{want}, p.Notices)
	}
}

func TestWithoutUserIDOnlyALookHelps(t *testing.T) {
	for name, data := range map[string]string{
		"empty":       strings.Replace(joined, `"userId":"2iPOw"`, `"userId":""`, 1),
		"left out":    strings.Replace(joined, `"userId":"2iPOw",`, ``, 1),
		"null":        strings.Replace(joined, `"userId":"2iPOw"`, `"userId":null`, 1),
		"an object":   strings.Replace(joined, `"userId":"2iPOw"`, `"userId":{}`, 1),
		"of a leaver": strings.NewReplacer(`"userId":"2iPOw"`, `"userId":""`, "user_join", "user_leave").Replace(joined),
	} {
		p := decode(t, data)
		require.Len(t, p.Notices, 1, name)
		assert.True(t, p.Notices[0].Look, name)
		assert.Empty(t, p.Notices[0].Rows, name)
	}
}

func TestGuestBesideAMember(t *testing.T) {
	p := decode(t, strings.Replace(joined, `"openMemberModels":[`, `"openMemberModels":[{"userId":"","conferenceId":"6321a"},`, 1))
	want := annJoined()
	want.Notices[0].Look = true
	assert.Equal(t, want, p)
}

func TestBizTypeIsAStringOrANumber(t *testing.T) {
	assert.Equal(t, decode(t, created), decode(t, strings.Replace(created, `"bizType":"3"`, `"bizType":3`, 1)))
	assert.Equal(t, decode(t, joined), decode(t, strings.Replace(joined, `"CorpId"`, `"bizType":3,"CorpId"`, 1)))
}

func TestSequenceNumbersAreNotRead(t *testing.T) {
	for _, n := range []string{"0", "-5", `"2"`, "null", "1e300"} {
		assert.Equal(t, annJoined(), decode(t, strings.Replace(joined, `"statusSeqNum":2`, `"statusSeqNum":`+n, 1)), n)
	}
}

func TestTargetPushIsTheSame(t *testing.T) {
	for _, example := range []string{created, joined} {
		p := decode(t, strings.Replace(example, `_change"`, `_change_target_push"`, 1))
		want := decode(t, example)
		want.Type += "_target_push"
		assert.Equal(t, want, p)
	}
}

func TestInvitedNamesTheMeetingAlone(t *testing.T) {
	for _, data := range []string{
		strings.Replace(joined, "user_join", "user_invited", 1),
		strings.NewReplacer("user_join", "user_invited", "2iPOw", "").Replace(joined),
	} {
		n := decode(t, data).Notices
		assert.Equal(t, []Notice{{ConferenceID: "6321a", Scene: MemberInvited, Time: 1663143335567}}, n)
	}
}

func TestUndocumentedScenesAskForALook(t *testing.T) {
	for _, scene := range []string{`"user_waved"`, `""`, "null", "7"} {
		for example, documented := range map[string]string{created: `"conference_created"`, joined: `"user_join"`} {
			n := decode(t, strings.Replace(example, documented, scene, 1)).Notices
			require.Len(t, n, 1)
			assert.True(t, n[0].Look, scene)
			assert.Empty(t, n[0].Rows, scene)
		}
	}
}

func TestSeveralMeetingsInOnePush(t *testing.T) {
	p := decode(t, `{"EventType":"meeting_member_status_change","changeScene":"user_leave","openMemberModels":[
		{"userId":"a","conferenceId":"m1","joinTime":1663143334001,"leaveTime":1663143334002},{"userId":"b","conferenceId":"m2"},
		{"userId":"a","conferenceId":"m1","joinTime":1663143334001,"leaveTime":1663143334003},{"conferenceId":"m2"}]}`)
	left := diff.StatusLeft
	assert.Equal(t, []Notice{
		{ConferenceID: "m1", Scene: MemberLeft, Rows: []diff.Row{
			{UnionID: "a", JoinTime: 1663143334001, LeaveTime: 1663143334002, Status: left}, {UnionID: "a", JoinTime: 1663143334001, LeaveTime: 1663143334003, Status: left},
		}},
		{ConferenceID: "m2", Scene: MemberLeft, Look: true, Rows: []diff.Row{{UnionID: "b", Status: left}}},
	}, p.Notices)
}

func TestStreamFrame(t *testing.T) {
	envelope := Envelope{Type: memberEvent, ID: "c7c7120f2c07420", Time: 1663143335567}
	t.Run("data with the business fields alone", func(t *testing.T) {
		data := joined[strings.Index(joined, ` "openMemberModels"`):]
		p, err := Decode([]byte("{"+data), envelope, nil)
		require.NoError(t, err)
		assert.Equal(t, annJoined(), p)
	})
	t.Run("small letters at the front", func(t *testing.T) {
		data := strings.NewReplacer("EventType", "eventType", "EventTime", "eventTime").Replace(joined)
		assert.Equal(t, annJoined(), decode(t, data))
	})
	t.Run("the envelope's type and id count, the data's time", func(t *testing.T) {
		p, err := Decode([]byte(joined), Envelope{Type: memberEvent + targetSuffix, ID: "other", Time: 1}, nil)
		require.NoError(t, err)
		want := annJoined()
		want.Type, want.ID = memberEvent+targetSuffix, "other"
		assert.Equal(t, want, p)
	})
	t.Run("a time that is none", func(t *testing.T) {
		p, err := Decode([]byte("{}"), Envelope{Type: "x", Time: -1}, nil)
		require.NoError(t, err)
		assert.Equal(t, Push{Type: "x"}, p)
	})
}

func TestOtherEventsHaveNoNotices(t *testing.T) {
	for name, c := range map[string]struct {
		data     string
		envelope Envelope
		want     Push
	}{
		"a type nobody knows":       {`{"EventType":"user_add_org","eventId":"e","EventTime":1663143335567,"openMemberModels":7}`, Envelope{}, Push{Type: "user_add_org", ID: "e", Time: 1663143335567}},
		"a name that begins alike":  {strings.Replace(joined, memberEvent, memberEvent+"_x", 1), Envelope{}, Push{Type: memberEvent + "_x", ID: "c7c7120f2c07420", Time: 1663143335567}},
		"data that is no object":    {`[]`, Envelope{Type: "user_add_org", ID: "e", Time: 5}, Push{Type: "user_add_org", ID: "e", Time: 5}},
		"data that is no JSON":      {`{`, Envelope{Type: "user_add_org"}, Push{Type: "user_add_org"}},
		"a type longer than a type": {`{"EventType":"` + strings.Repeat("é", 200) + `"}`, Envelope{}, Push{Type: strings.Repeat("é", 64)}},
		"the suffix alone":          {`{"EventType":"_target_push"}`, Envelope{}, Push{Type: "_target_push"}},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode([]byte(c.data), c.envelope, nil)
			require.NoError(t, err)
			assert.Equal(t, c.want, p)
		})
	}
}

func TestMalformed(t *testing.T) {
	model := `{"userId":"u","conferenceId":"m"}`
	members := func(list string) string {
		return `{"EventType":"meeting_member_status_change","changeScene":"user_join","openMemberModels":` + list + `}`
	}
	for name, c := range map[string]struct{ data, says string }{
		"empty":                      {``, ""},
		"no JSON":                    {`garbage`, ""},
		"the answer":                 {`success`, ""},
		"cut off":                    {joined[:len(joined)-1], ""},
		"cut off, of another type":   {`{"EventType":"user_add_org","x":`, ""},
		"something after it":         {joined + "x", ""},
		"null":                       {`null`, "no EventType"},
		"an array":                   {`[` + joined + `]`, ""},
		"without a type":             {`{}`, "no EventType"},
		"an odd type":                {`{"EventType":["meeting_status_change"]}`, "no EventType"},
		"status without meeting":     {`{"EventType":"meeting_status_change"}`, "openConfModel"},
		"null for a meeting":         {`{"EventType":"meeting_status_change","openConfModel":null}`, "openConfModel"},
		"meeting without id":         {`{"EventType":"meeting_status_change","openConfModel":{"title":"x"}}`, "conferenceId"},
		"id with a dot":              {strings.Replace(created, "6321a", "6321.a", 1), "6 bytes"},
		"id with a wildcard":         {strings.Replace(joined, "6321a", ">", 1), "openMemberModels 0"},
		"id too long":                {strings.Replace(joined, "6321a", strings.Repeat("x", 129), 1), "129 bytes"},
		"members left out":           {`{"EventType":"meeting_member_status_change"}`, "0 openMemberModels"},
		"no members":                 {members(`[]`), "0 openMemberModels"},
		"members no list":            {members(`7`), ""},
		"no member of any meeting":   {members(`[{},{"userId":"u"}]`), "openMemberModels 1"},
		"members in a bad text":      {members(`"[{"`), "openMemberModels"},
		"null for a member":          {members(`[null]`), "openMemberModels 0"},
		"more members than any push": {members(`[` + strings.Repeat(model+",", maxMembers) + model + `]`), "1001 openMemberModels"},
		"nested without end":         {strings.Repeat(`{"a":`, 20_000), ""},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := Decode([]byte(c.data), Envelope{}, nil)
			require.ErrorIs(t, err, ErrMalformed)
			require.ErrorContains(t, err, c.says)
			assert.Less(t, len(err.Error()), 400)
			assert.Empty(t, p.Notices)
		})
	}
}

// A push that cannot be read may name people all the same.
func TestErrorsQuoteNothing(t *testing.T) {
	for _, data := range []string{
		`"Mallory"`, `["Mallory"]`, `Mallory`, `{"EventType":["Mallory"]}`, joined + `"Mallory"`,
		strings.Replace(created, "6321a", "Mallory/", 1), strings.Replace(joined, "6321a", "Mallory/", 1),
		strings.Replace(joined, `[{`, `"Mallory",[{`, 1), strings.Replace(joined, `"openMemberModels":[{`, `"openMemberModels":["Mallory"],"other":[{`, 1),
		strings.Replace(joined, `"Ann"`, `Mallory`, 1), strings.Replace(joined, `"Ann"`, `"Mallory`, 1),
	} {
		_, err := Decode([]byte(data), Envelope{}, nil)
		require.ErrorIs(t, err, ErrMalformed, data)
		require.NotContains(t, err.Error(), "Mallory", data)
	}
}

func TestMostMembersOfAPush(t *testing.T) {
	model := `{"userId":"u","conferenceId":"m"},`
	p := decode(t, `{"EventType":"meeting_member_status_change","changeScene":"user_join","openMemberModels":[`+
		strings.TrimSuffix(strings.Repeat(model, maxMembers), ",")+`]}`)
	require.Len(t, p.Notices, 1)
	assert.Len(t, p.Notices[0].Rows, maxMembers)
}

func TestOddTimes(t *testing.T) {
	for given, want := range map[string]int64{
		"1663143334000": 1663143334000, `"1663143334000"`: 1663143334000, "1.663143334E12": 1663143334000,
		"1663143334000.9": 1663143334000, "0": 0, "-1": 0, "null": 0, `""`: 0, `"soon"`: 0, "true": 0, "[1]": 0,
		"253402300799999": 253402300799999, "253402300800000": 0, "99999999999999999999": 0, "1e400": 0,
	} {
		data := strings.NewReplacer("1663143335567", given, "1663143344000", given, "user_join", "user_leave").Replace(joined)
		p := decode(t, data)
		require.Len(t, p.Notices, 1, given)
		assert.Equal(t, []int64{want, want, want}, []int64{p.Time, p.Notices[0].Time, p.Notices[0].Rows[0].LeaveTime}, given)
	}
}

func TestOddRoles(t *testing.T) {
	for given, want := range map[string]bool{"true": true, `"true"`: true, "false": false, `"false"`: false, "null": false, "1": true, "0": false, `"True"`: true, `""`: false, "{}": false, "[true]": false} {
		data := strings.NewReplacer(`"host":false`, `"host":`+given, `"coHost":true`, `"coHost":`+given, `"pstnJoin":false`, `"pstnJoin":`+given).Replace(joined)
		row := decode(t, data).Notices[0].Rows[0]
		assert.Equal(t, [3]bool{want, want, want}, [3]bool{row.Host, row.CoHost, row.PSTNJoin}, given)
	}
}

func TestTextsAreThoseOfTheMemberList(t *testing.T) {
	long := strings.Repeat("é", 600)
	p := decode(t, strings.NewReplacer("2iPOw", `a\nb`, "Ann", long).Replace(joined))
	row := p.Notices[0].Rows[0]
	assert.Equal(t, wire.UnionID("a\nb"), row.UnionID)
	assert.Equal(t, strings.Repeat("é", 128), row.UserNick)

	m := decode(t, strings.NewReplacer("2iPOw", strings.Repeat("u", 200), "Ann", long, "Weekly", long).Replace(created)).Notices[0].Meeting
	assert.Equal(t, wire.UnionID(strings.Repeat("u", 200)), m.CreatorID)
	assert.Equal(t, strings.Repeat("é", 128), m.CreatorNick)
	assert.Equal(t, strings.Repeat("é", 256), m.Title)
}

func TestBadBytesInANicknameVoidNothing(t *testing.T) {
	p := decode(t, strings.Replace(joined, "Ann", "An\xffn", 1))
	want := annJoined()
	want.Notices[0].Rows[0].UserNick = "An\uFFFDn"
	assert.Equal(t, want, p)
	assert.Equal(t, annJoined(), decode(t, strings.Replace(joined, `"host"`, `"userNick":"Ann","host"`, 1)), "a name twice")
}

func ExampleDecode() {
	p, err := Decode([]byte(`{"conferenceId":"ignored","changeScene":"conference_closed","openConfModel":{"conferenceId":"6321a"}}`),
		Envelope{Type: "meeting_status_change", ID: "c7c7120f2c07421"}, nil)
	fmt.Println(p.Notices[0].ConferenceID, p.Notices[0].Scene, err)
	// Output: 6321a conference_closed <nil>
}
