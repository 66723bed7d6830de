package simulator

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// crowded is a scenario with n people in meeting m from the first second on.
func crowded(n int) string {
	var b strings.Builder
	b.WriteString("meetings:\n  - id: m\n    people:\n")
	for i := range n {
		fmt.Fprintf(&b, "      - {id: u%d, nick: N%d, visits: [{from: 1s}]}\n", i, i)
	}
	return b.String()
}

func TestPaging(t *testing.T) {
	tests := map[string]struct {
		settings   Settings
		maxResults int
		wantPages  int // -1 for more than at full length
	}{
		"as many as the platform gives": {Settings{}, 0, 11},
		"the cap counts":                {Settings{PageCap: 100}, 500, 13},
		"maxResults counts":             {Settings{PageCap: 500}, 50, 26},
		"one page":                      {Settings{PageCap: 2000}, 2000, 1},
		"exactly full":                  {Settings{PageCap: 1300}, 1300, 1},
		"an empty last token":           {Settings{EmptyLastToken: true}, 128, 11},
		"shorter than asked":            {Settings{ShortPages: 0.5}, 128, -1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s, clock := play(t, crowded(1300), func(o *Options) { o.Settings = test.settings })
			r := serve(t, s)
			clock.at(time.Second)
			rows, pages := r.pages("m", test.maxResults)
			for i, row := range rows {
				require.Equal(t, fmt.Sprintf("u%d", i), row.UnionID)
			}
			if test.wantPages < 0 {
				assert.Greater(t, pages, 11)
			} else {
				assert.Equal(t, test.wantPages, pages)
			}
			assert.Equal(t, uint64(pages), s.Stats().Members["m"])
		})
	}
}

func TestPageTokens(t *testing.T) {
	s, clock := play(t, crowded(10)+"  - id: other")
	r := serve(t, s)
	clock.at(time.Second)
	var page memberPage
	r.get(membersPath("m", url.Values{"maxResults": {"3"}})).into(&page)
	require.NotNil(t, page.NextToken)
	for _, special := range []string{"+", "/", "=", "&", "%"} {
		assert.Contains(t, *page.NextToken, special)
	}
	for name, query := range map[string]url.Values{
		"no token of ours": {"nextToken": {"abc"}},
		"cut":              {"nextToken": {(*page.NextToken)[:8]}},
		"no base64":        {"nextToken": {"+/*=&%"}},
		"no length":        {"maxResults": {"x"}},
		"length 0":         {"maxResults": {"0"}},
		"a huge length":    {"maxResults": {"99999999999"}},
	} {
		t.Run(name, func(t *testing.T) {
			r.get(membersPath("m", query)).fails(400, "paramError")
		})
	}
	r.get(membersPath("other", url.Values{"nextToken": {*page.NextToken}})).fails(400, "paramError")
	// Unescaped, it is another token.
	r.get("/v1.0/conference/videoConferences/m/members?nextToken="+strings.TrimSuffix(*page.NextToken, "%")).fails(400, "paramError")
}

func FuzzParsePageToken(f *testing.F) {
	f.Add(pageToken(128, "m"), "m")
	f.Add("0", "m")
	f.Add("+/=&%", "")
	f.Fuzz(func(t *testing.T, token, scope string) {
		from, ok := parsePageToken(token, scope)
		if ok && token != "" && token != "0" {
			again, ok := parsePageToken(pageToken(from, scope), scope)
			require.True(t, ok)
			require.Equal(t, from, again)
		}
		require.GreaterOrEqual(t, from, 0)
	})
}

func TestMemberModel(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, people: [
		{nick: Ann, id: u-ann, host: true, visits: [{from: 1s, to: 3s}]},
		{nick: Bob, id: u-bob, coHost: true, outer: true, phone: true, visits: [{from: 2s}]},
		{nick: Gil, guest: true, visits: [{from: 3s}]},
		{nick: Cay, id: u-cay, calls: [{at: 4s, do: call}]}]}]}`)
	r := serve(t, s)
	clock.at(5 * time.Second)
	var page struct {
		MemberModels []map[string]any
		TotalCount   int
		NextToken    *string
	}
	res := r.get("/v1.0/conference/videoConferences/m/members")
	res.into(&page)
	assert.Contains(t, res.header.Get("Content-Type"), "application/json")
	assert.Equal(t, 4, page.TotalCount)
	assert.Nil(t, page.NextToken)
	ms := func(d time.Duration) float64 { return float64(epoch + d.Milliseconds()) }
	assert.Equal(t, []map[string]any{
		{
			"unionId": "u-ann", "conferenceId": "m", "userNick": "Ann", "joinTime": ms(time.Second), "leaveTime": ms(3 * time.Second),
			"duration": 2000.0, "attendStatus": 6.0, "host": true, "coHost": false, "pstnJoin": false,
		},
		{
			"unionId": "u-bob", "conferenceId": "m", "userNick": "Bob", "joinTime": ms(2 * time.Second),
			"duration": 3000.0, "attendStatus": 3.0, "host": false, "coHost": true, "pstnJoin": true, "outerOrgMember": true,
		},
		{
			"unionId": "", "conferenceId": "m", "userNick": "Gil", "joinTime": ms(3 * time.Second),
			"duration": 2000.0, "attendStatus": 3.0, "host": false, "coHost": false, "pstnJoin": false, "outerOrgMember": true,
		},
		{
			"unionId": "u-cay", "conferenceId": "m", "userNick": "Cay",
			"duration": 0.0, "attendStatus": 2.0, "host": false, "coHost": false, "pstnJoin": false,
		},
	}, page.MemberModels)
}

func TestTotalCountAndFixedDuration(t *testing.T) {
	scenario := `{meetings: [{id: m, rejoin: add, people: [
		{nick: Ann, visits: [{from: 1s, to: 3s}, {from: 4s}]}, {nick: Bob, visits: [{from: 2s, to: 3s}]}, {nick: Zoe}]}]}`
	for total, want := range map[string]int{"": 3, "rows": 3, "people": 2, "present": 1} {
		t.Run(total, func(t *testing.T) {
			s, clock := play(t, scenario, func(o *Options) { o.Settings = Settings{TotalCount: total, FixedDuration: true} })
			r := serve(t, s)
			clock.at(9 * time.Second)
			var page memberPage
			r.get("/v1.0/conference/videoConferences/m/members").into(&page)
			assert.Equal(t, want, page.TotalCount)
			assert.Equal(t, []int64{2000, 1000, 0}, []int64{page.MemberModels[0].Duration, page.MemberModels[1].Duration, page.MemberModels[2].Duration})
		})
	}
}

func TestAListThatMoves(t *testing.T) {
	s, clock := play(t, `{settings: {listOrder: present-first, pageCap: 2}, meetings: [{id: m, people: [
		{nick: Ann, visits: [{from: 1s}]}, {nick: Bob, visits: [{from: 2s, to: 5s}]}, {nick: Cay, visits: [{from: 3s}]},
		{nick: Dan, visits: [{from: 4s, to: 8s}]}, {nick: Eve, visits: [{from: 7s}]}]}]}`)
	r := serve(t, s)
	const path = "/v1.0/conference/videoConferences/m/members"
	look := func(at time.Duration, token string) (nicks []string, next string) {
		clock.at(at)
		var page memberPage
		r.get(path + "?nextToken=" + queryEscaped(token)).into(&page)
		for _, m := range page.MemberModels {
			nicks = append(nicks, m.UserNick)
		}
		if page.NextToken != nil {
			next = *page.NextToken
		}
		return nicks, next
	}
	first, token := look(6*time.Second, "")
	assert.Equal(t, []string{"Dan", "Cay"}, first)
	second, token := look(7*time.Second, token) // Eve came
	assert.Equal(t, []string{"Cay", "Ann"}, second)
	third, token := look(8*time.Second, token) // Dan left
	assert.Equal(t, []string{"Bob"}, third)
	assert.Empty(t, token)
}

func TestMemberErrors(t *testing.T) {
	s, clock := play(t, `{meetings: [{id: m, end: 10s, keep: 5s}, {id: later, start: 1h}, {id: secret, denied: true}]}`)
	r := serve(t, s)
	path := "/v1.0/conference/videoConferences/%s/members"
	r.get(fmt.Sprintf(path, "")).fails(400, "missingRoomId")
	r.get(fmt.Sprintf(path, "unknown")).fails(404, "roomNotFound")
	r.get(fmt.Sprintf(path, "later")).fails(404, "roomNotFound")
	r.get(fmt.Sprintf(path, "a%2Fb")).fails(404, "roomNotFound")
	r.get(fmt.Sprintf(path, "secret")).fails(403, "noPermission")
	clock.at(14_999 * time.Millisecond)
	r.get(fmt.Sprintf(path, "m")).into(new(memberPage))
	clock.at(15 * time.Second)
	r.get(fmt.Sprintf(path, "m")).fails(404, "roomNotFound")
}

func TestUnknownCalls(t *testing.T) {
	s, _ := play(t, `{meetings: [{id: m}]}`)
	r := serve(t, s)
	for _, path := range []string{
		"/", "/v1.0", "/v2.0/conference/orgConferences", "/v1.0/other/orgConferences", "/v1.0/conference/orgConferences/x",
		"/v1.0/conference/videoConferences", "/v1.0/conference/videoConferences/m/members/x", "/v1.0/conference/videoConferences/m/other",
		"/v1.0/oauth2/accessToken", "/_sim/nothing",
	} {
		t.Run(path, func(t *testing.T) { assert.Equal(t, 404, r.get(path).status) })
	}
	r.post("/v1.0/conference/videoConferences/m/members", nil).fails(404, "InvalidAction.NotFound")
	r.post("/v1.0/oauth2/other", nil).fails(404, "InvalidAction.NotFound")
	r.do("POST", "/v1.0/oauth2/accessToken", []byte(`"`+strings.Repeat("x", maxBodyBytes)+`"`)).fails(413, "paramError")
}

func TestConferences(t *testing.T) {
	s, clock := play(t, `{settings: {pageCap: 2}, meetings: [
		{id: a, title: First, people: [{nick: Ann, id: u-ann}, {nick: Hal, id: u-hal, host: true, visits: [{from: 1s}]}, {nick: Cay, calls: [{at: 1s, do: invite}]}]},
		{id: b, end: 10s, keepInfo: 20s, people: [{nick: Gil, guest: true, visits: [{from: 1s}]}, {nick: Bob, id: u-bob, visits: [{from: 1s, to: 5s}]}]},
		{id: c}, {id: hidden, unlisted: true}, {id: later, start: 1h}, {id: secret, denied: true}]}`)
	r := serve(t, s)
	clock.at(6 * time.Second)

	var info struct{ ConfInfo confInfo }
	r.get("/v1.0/conference/videoConferences/a").into(&info)
	a := info.ConfInfo
	assert.Equal(t, confInfo{
		ConferenceID: "a", Title: "First", CreatorID: "u-hal", CreatorNick: "Hal", StartTime: epoch, ConfDuration: 6000,
		Status: 2, ActiveNum: 1, AttendNum: 1, InvitedNum: 1, RoomCode: a.RoomCode, ScheduleConferenceID: a.ScheduleConferenceID, BizType: "3",
	}, a)
	assert.Len(t, a.RoomCode, 11)
	r.get("/v1.0/conference/videoConferences/b").into(&info)
	assert.Equal(t, "u-bob", info.ConfInfo.CreatorID, "no guest calls a meeting")
	assert.Equal(t, []int{1, 2}, []int{info.ConfInfo.ActiveNum, info.ConfInfo.AttendNum})
	r.get("/v1.0/conference/videoConferences/secret").fails(403, "noPermission")
	r.get("/v1.0/conference/videoConferences/later").fails(404, "roomNotFound")
	r.get("/v1.0/conference/videoConferences/").fails(400, "missingRoomId")

	var ids []string
	query := url.Values{}
	for {
		var page orgPage
		r.get("/v1.0/conference/orgConferences?" + query.Encode()).into(&page)
		assert.Equal(t, 4, page.TotalCount)
		for _, m := range page.OnGoingConfList {
			ids = append(ids, m.ConferenceID)
		}
		assert.Equal(t, page.HasMore, page.NextToken != nil)
		if !page.HasMore {
			break
		}
		query.Set("nextToken", *page.NextToken)
	}
	assert.Equal(t, []string{"a", "b", "c", "secret"}, ids)
	r.get("/v1.0/conference/orgConferences?maxResults=-1").fails(400, "paramError")

	var batch struct{ Infos []batchInfo }
	r.post("/v1.0/conference/videoConferences/query", map[string]any{"conferenceIdList": []string{"a", "unknown", "later", "b"}}).into(&batch)
	require.Len(t, batch.Infos, 2)
	assert.Equal(t, []batchUser{{UserID: "", Nick: "Gil", AttendStatus: 3}, {UserID: "u-bob", Nick: "Bob", AttendStatus: 6}}, batch.Infos[1].UserList)
	r.post("/v1.0/conference/videoConferences/query", map[string]any{}).fails(400, "missingRoomId")
	r.post("/v1.0/conference/videoConferences/query", map[string]any{"conferenceIdList": make([]string, maxQueried+1)}).fails(400, "paramError")

	clock.at(15 * time.Second)
	r.get("/v1.0/conference/videoConferences/b").into(&info)
	assert.Equal(t, []int64{1, epoch + 10_000, 10_000, 0}, []int64{int64(info.ConfInfo.Status), info.ConfInfo.EndTime, info.ConfInfo.ConfDuration, int64(info.ConfInfo.ActiveNum)})
	r.post("/v1.0/conference/videoConferences/query", map[string]any{"conferenceIdList": []string{"b"}}).into(&batch)
	assert.Empty(t, batch.Infos)
	clock.at(30 * time.Second)
	r.get("/v1.0/conference/videoConferences/b").fails(404, "roomNotFound")
}

func TestEmptyListIsAList(t *testing.T) {
	s, _ := play(t, `{meetings: [{id: m}]}`)
	res := serve(t, s).get("/v1.0/conference/videoConferences/m/members")
	assert.JSONEq(t, `{"memberModels":[],"totalCount":0}`, string(res.body))
	assert.True(t, json.Valid(res.body))
}
