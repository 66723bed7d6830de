package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/poller"
)

func TestInfo(t *testing.T) {
	cases := map[string]struct {
		body string
		want poller.Info
	}{
		"started": {
			`{"confInfo":{"title":"Weekly","creatorId":"u1","creatorNick":"Ann","startTime":1684215608570,"endTime":0,` +
				`"confDuration":5,"status":2,"activeNum":10,"attendNum":12,"bizType":"3","newField":{}}}`,
			poller.Info{Title: "Weekly", CreatorID: "u1", CreatorNick: "Ann", StartTime: 1684215608570, ActiveCount: 10, AttendedCount: 12},
		},
		"ended": {
			`{"confInfo":{"status":1,"startTime":1684215608570,"endTime":1684215609570}}`,
			poller.Info{StartTime: 1684215608570, EndTime: 1684215609570, Ended: true},
		},
		"initial":        {`{"confInfo":{"status":0}}`, poller.Info{}},
		"nothing known":  {`{"confInfo":{}}`, poller.Info{}},
		"in quotes":      {`{"confInfo":{"status":"1","activeNum":"3"}}`, poller.Info{Ended: true, ActiveCount: 3}},
		"absurd numbers": {`{"confInfo":{"activeNum":-4,"startTime":-1,"endTime":1e99}}`, poller.Info{}},
		"wild texts": {
			`{"confInfo":{"title":"` + strings.Repeat("x", 600) + `","creatorId":"a\nb"}}`,
			poller.Info{Title: strings.Repeat("x", 512), CreatorID: wire.UnionID("a\nb")},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.mux.HandleFunc("GET /v1.0/conference/videoConferences/{id}", func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, "m/1", r.PathValue("id"))
				writeJSON(w, 200, c.body)
			})
			info, err := u.client(t).Info(t.Context(), "m/1")
			require.NoError(t, err)
			assert.Equal(t, c.want, info)
		})
	}
}

func TestInfoThatIsNone(t *testing.T) {
	for name, c := range map[string]struct {
		reply http.HandlerFunc
		want  poller.Trouble
	}{
		"other JSON":     {answer(200, `{"success":true}`), poller.Unavailable},
		"null":           {answer(200, `{"confInfo":null}`), poller.Unavailable},
		"list":           {answer(200, `[]`), poller.Unavailable},
		"text":           {answer(200, `{"confInfo":"x"}`), poller.Unavailable},
		"status of text": {answer(200, `{"confInfo":{"status":"over"}}`), poller.Unavailable},
		"block":          {answer(200, `{"status":1111,"wait":5}`), poller.Throttled},
		"gone":           {answer(404, `{"code":"roomNotFound"}`), poller.NotFound},
		"not ours":       {answer(403, `{"code":"noPermission"}`), poller.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.mux.HandleFunc("GET /v1.0/conference/videoConferences/m", c.reply)
			info, err := u.client(t).Info(t.Context(), "m")
			assert.Equal(t, c.want.String(), trouble(t, err).Trouble.String())
			assert.Zero(t, info)
		})
	}
}

func ongoingPage(more, next string, ids ...string) string {
	var list []string
	for _, id := range ids {
		list = append(list, fmt.Sprintf(`{"conferenceId":%q,"title":"T","status":2,"startTime":1684215608570,"creatorId":"u","creatorNick":"n","bizType":1}`, id))
	}
	return `{"onGoingConfList":[` + strings.Join(list, ",") + `]` + more + next + `,"totalCount":9}`
}

func TestOngoingMeetings(t *testing.T) {
	cases := map[string]struct {
		pages []string
		want  []string
		calls int
	}{
		"nobody meets":             {[]string{ongoingPage("", "")}, nil, 1},
		"empty and null":           {[]string{`{"onGoingConfList":null,"hasMore":false}`}, nil, 1},
		"one page":                 {[]string{ongoingPage(`,"hasMore":false`, `,"nextToken":""`, "a", "b")}, []string{"a", "b"}, 1},
		"no more despite a token":  {[]string{ongoingPage(`,"hasMore":false`, `,"nextToken":"t"`, "a")}, []string{"a"}, 1},
		"token 0":                  {[]string{ongoingPage("", `,"nextToken":"0"`, "a")}, []string{"a"}, 1},
		"two pages":                {[]string{ongoingPage(`,"hasMore":true`, `,"nextToken":"t+/"`, "a"), ongoingPage(`,"hasMore":false`, "", "b")}, []string{"a", "b"}, 2},
		"pages without hasMore":    {[]string{ongoingPage("", `,"nextToken":1`, "a"), ongoingPage("", "", "b")}, []string{"a", "b"}, 2},
		"an empty page in between": {[]string{ongoingPage("", `,"nextToken":"1"`, "a"), ongoingPage("", `,"nextToken":"2"`), ongoingPage("", "", "b")}, []string{"a", "b"}, 3},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			var handlers []http.HandlerFunc
			for _, page := range c.pages {
				handlers = append(handlers, answer(200, page))
			}
			u.mux.HandleFunc("GET /v1.0/conference/orgConferences", script(handlers...))
			list, err := u.client(t).OngoingMeetings(t.Context())
			require.NoError(t, err)
			assert.True(t, list.Certain)
			var ids []string
			for _, m := range list.Meetings {
				ids = append(ids, m.ConferenceID)
				assert.Equal(t, OngoingMeeting{ConferenceID: m.ConferenceID, Title: "T", CreatorID: "u", CreatorNick: "n", StartTime: 1684215608570}, m)
			}
			assert.Equal(t, c.want, ids)
			assert.Len(t, u.seen(), c.calls)
		})
	}
}

func TestOngoingMeetingsIsAllOrNothing(t *testing.T) {
	first := ongoingPage(`,"hasMore":true`, `,"nextToken":"t"`, "a")
	for name, second := range map[string]string{
		"other JSON":        `{"success":true}`,
		"cut":               first[:40],
		"nulls":             `{"onGoingConfList":null,"hasMore":null,"totalCount":null}`,
		"list that is none": `{"onGoingConfList":"b"}`,
		"refused":           `{"onGoingConfList":[],"hasMore":false,"totalCount":0,"success":false}`,
		"old refusal":       `{"onGoingConfList":[],"hasMore":false,"totalCount":0,"errcode":90018}`,
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.mux.HandleFunc("GET /v1.0/conference/orgConferences", script(answer(200, first), answer(200, second)))
			meetings, err := u.client(t).OngoingMeetings(t.Context())
			assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble)
			assert.Zero(t, meetings)
		})
	}
}

// TestOngoingMeetingsAreFoundBesideWhatCannotBeRead: none of this keeps a meeting from being found,
// and the absence of others means nothing.
func TestOngoingMeetingsAreFoundBesideWhatCannotBeRead(t *testing.T) {
	for name, second := range map[string]string{
		"a text":          `{"onGoingConfList":["b",{"conferenceId":"c"}]}`,
		"null":            `{"onGoingConfList":[null,7,{"conferenceId":"c"}]}`,
		"id of an object": `{"onGoingConfList":[{"conferenceId":{}},{"conferenceId":"c"}]}`,
		"no id":           `{"onGoingConfList":[{"conferenceId":"c"},{}]}`,
		"hasMore of text": ongoingPage(`,"hasMore":"perhaps"`, "", "c"),
		"token of a list": ongoingPage("", `,"nextToken":[]`, "c"),
		"more, somewhere": ongoingPage(`,"hasMore":true`, `,"nextToken":{}`, "c"),
		"token too long":  ongoingPage("", `,"nextToken":"`+strings.Repeat("x", 3000)+`"`, "c"),
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			first := ongoingPage(`,"hasMore":1`, `,"nextToken":"t"`, "a")
			u.mux.HandleFunc("GET /v1.0/conference/orgConferences", script(answer(200, first), answer(200, second)))
			list, err := u.client(t).OngoingMeetings(t.Context())
			require.NoError(t, err)
			require.Len(t, list.Meetings, 2)
			assert.Equal(t, "a", list.Meetings[0].ConferenceID)
			assert.Equal(t, "c", list.Meetings[1].ConferenceID)
			assert.False(t, list.Certain)
		})
	}
}

func TestOngoingMeetingsBounds(t *testing.T) {
	many := `{"onGoingConfList":[{}` + strings.Repeat(`,{}`, maxMeetings) + `]}`
	v := newUpstream(t)
	v.mux.HandleFunc("GET /v1.0/conference/orgConferences", answer(200, many))
	_, err := v.client(t).OngoingMeetings(t.Context())
	require.ErrorContains(t, err, "more than 100000 meetings")
}

func TestOngoingMeetingThatIsOver(t *testing.T) {
	u := newUpstream(t)
	u.mux.HandleFunc("GET /v1.0/conference/orgConferences", answer(200, `{"onGoingConfList":[{"conferenceId":"a","status":1,"endTime":1684215608}]}`))
	list, err := u.client(t).OngoingMeetings(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []OngoingMeeting{{ConferenceID: "a", EndTime: 1684215608000, Ended: true}}, list.Meetings)
}
