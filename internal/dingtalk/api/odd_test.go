package api

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/internal/dingtalk/wire/wiretest"
	"github.com/c4342123/rollcall/poller"
)

// serveAt serves one body at a path, which a test may change, to a client.
func serveAt(t *testing.T, path string) (c *Client, serve func(body string, calls *int)) {
	t.Helper()
	u := newUpstream(t)
	var mu sync.Mutex
	var reply string
	var counted *int
	u.mux.HandleFunc("GET /v1.0/conference/"+path, func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if counted != nil {
			*counted++
		}
		writeJSON(w, 200, reply)
	})
	return u.client(t), func(body string, calls *int) {
		mu.Lock()
		defer mu.Unlock()
		reply, counted = body, calls
	}
}

// or is what a value means, or none where it means nothing.
func or[T any](p *T) T {
	var none T
	if p == nil {
		return none
	}
	return *p
}

// clipped is a number as a status is kept.
func clipped(n *int64) int { return int(min(max(or(n), -1<<31), 1<<31-1)) }

// memberFields are the fields of a row: what a value makes of it, and whether the row can be read
// with it.
var memberFields = map[string]func(wiretest.Value, *diff.Row) bool{
	"unionId": func(v wiretest.Value, r *diff.Row) bool {
		r.UnionID = wire.UnionID(or(v.Text))
		return v.Text != nil && !v.Anonymous
	},
	"userNick":       func(v wiretest.Value, r *diff.Row) bool { r.UserNick = or(v.Text); return true },
	"joinTime":       func(v wiretest.Value, r *diff.Row) bool { r.JoinTime = or(v.Time); return v.Time != nil },
	"leaveTime":      func(v wiretest.Value, r *diff.Row) bool { r.LeaveTime = or(v.Time); return true },
	"attendStatus":   func(v wiretest.Value, r *diff.Row) bool { r.Status = clipped(v.Int); return v.Int != nil },
	"host":           func(v wiretest.Value, r *diff.Row) bool { r.Host = or(v.Bool); return true },
	"coHost":         func(v wiretest.Value, r *diff.Row) bool { r.CoHost = or(v.Bool); return true },
	"outerOrgMember": func(v wiretest.Value, r *diff.Row) bool { r.OuterOrgMember = or(v.Bool); return true },
	"pstnJoin":       func(v wiretest.Value, r *diff.Row) bool { r.PSTNJoin = or(v.Bool); return true },
	"conferenceId":   func(wiretest.Value, *diff.Row) bool { return true }, // not read
	"duration":       func(wiretest.Value, *diff.Row) bool { return true },
	"jobNumber":      func(wiretest.Value, *diff.Row) bool { return true },
}

// TestEveryMemberFieldOfEveryType: no value of any field voids the look. A row is left out only
// when it does not say who was there, since when or how, and then the look is uncertain.
func TestEveryMemberFieldOfEveryType(t *testing.T) {
	c, serve := serveAt(t, "videoConferences/m/members")
	for name, field := range memberFields {
		for _, v := range wiretest.Values() {
			t.Run(name+"="+v.Raw, func(t *testing.T) {
				var odd diff.Row
				readable := field(v, &odd)
				calls := 0
				serve(fmt.Sprintf(`{"memberModels":[{"unionId":"before"},{%q:%s},{"unionId":"after"}],"totalCount":3}`, name, v.Raw), &calls)
				list, err := c.Members(t.Context(), "m")
				require.NoError(t, err)
				want := []diff.Row{{UnionID: "before"}, odd, {UnionID: "after"}}
				if !readable {
					want = slices.Delete(want, 1, 2)
				}
				assert.Equal(t, want, list.Rows)
				assert.Equal(t, readable, list.Certain)
				assert.Equal(t, 1, calls, "reading it again would show the same")
			})
		}
	}
}

// TestEveryTypeOfRow: whatever is no object is left out.
func TestEveryTypeOfRow(t *testing.T) {
	for _, v := range wiretest.Values() {
		t.Run(v.Raw, func(t *testing.T) {
			isRow := v.Raw[0] == '{'
			u := newUpstream(t)
			u.members(answer(200, `{"memberModels":[{"unionId":"before"},`+v.Raw+`,{"unionId":"after"}],"totalCount":3}`))
			c := u.client(t, func(o *Options) { o.Oddities = wire.NewOddities(nil) })
			list, err := c.Members(t.Context(), "m")
			require.NoError(t, err)
			assert.Equal(t, isRow, list.Certain)
			assert.Equal(t, isRow, len(list.Rows) == 3)
			assert.Equal(t, "after", list.Rows[len(list.Rows)-1].UnionID)
			assert.Equal(t, isRow, len(c.odd.Counts()) == 0)
		})
	}
}

// TestEveryPageFieldOfEveryType: what stands for no list is none, and what is neither voids the
// look.
func TestEveryPageFieldOfEveryType(t *testing.T) {
	for _, v := range wiretest.Values() {
		t.Run("totalCount="+v.Raw, func(t *testing.T) {
			u := newUpstream(t)
			u.members(answer(200, `{"memberModels":[{"unionId":"a"},{"unionId":"b"},{"unionId":"c"}],"totalCount":`+v.Raw+`}`))
			list, err := u.client(t).Members(t.Context(), "m")
			require.NoError(t, err)
			require.Len(t, list.Rows, 3)
			given := v.Int != nil && !none(v.Raw) && *v.Int >= 0
			assert.Equal(t, !given || *v.Int == 3, list.Certain)
		})
		t.Run("nextToken="+v.Raw, func(t *testing.T) {
			token := or(v.Text)
			u := newUpstream(t)
			u.members(script(answer(200, `{"memberModels":[{"unionId":"a"}],"nextToken":`+v.Raw+`}`), answer(200, `{"memberModels":[{"unionId":"b"}]}`)))
			list, err := u.client(t).Members(t.Context(), "m")
			require.NoError(t, err)
			assert.Equal(t, v.Text != nil, list.Certain, "what cannot be read may be a token")
			if token == "" || token == "0" {
				assert.Len(t, list.Rows, 1)
				return
			}
			require.Len(t, u.seen(), 2)
			assert.Equal(t, token, u.seen()[1].URL.Query().Get("nextToken"))
		})
		t.Run("memberModels="+v.Raw, func(t *testing.T) {
			u := newUpstream(t)
			u.members(answer(200, `{"totalCount":0,"memberModels":`+v.Raw+`}`))
			list, err := u.client(t).Members(t.Context(), "m")
			if v.Raw[0] == '[' || none(v.Raw) || v.Raw == `{}` {
				require.NoError(t, err)
				assert.Equal(t, v.Raw[0] != '[' || v.Raw == `[]`, list.Certain)
				assert.Empty(t, list.Rows)
				return
			}
			assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble)
		})
	}
}

// none reports whether a value stands for nothing.
func none(raw string) bool {
	return slices.Contains([]string{`null`, `false`, `""`, `" "`, `"\t\n"`}, raw)
}

// infoFieldsOf are the fields of a meeting's information: what a value makes of it.
var infoFieldsOf = map[string]func(wiretest.Value, *poller.Info){
	"title": func(v wiretest.Value, i *poller.Info) { i.Title = or(v.Text) },
	"creatorId": func(v wiretest.Value, i *poller.Info) {
		if !v.Anonymous {
			i.CreatorID = wire.UnionID(or(v.Text))
		}
	},
	"creatorNick":  func(v wiretest.Value, i *poller.Info) { i.CreatorNick = or(v.Text) },
	"startTime":    func(v wiretest.Value, i *poller.Info) { i.StartTime = or(v.Time) },
	"endTime":      func(v wiretest.Value, i *poller.Info) { i.EndTime = or(v.Time) },
	"status":       func(v wiretest.Value, i *poller.Info) { i.Ended = or(v.Int) == statusEnded },
	"activeNum":    func(v wiretest.Value, i *poller.Info) { i.ActiveCount = max(clipped(v.Int), 0) },
	"attendNum":    func(v wiretest.Value, i *poller.Info) { i.AttendedCount = max(clipped(v.Int), 0) },
	"confDuration": func(wiretest.Value, *poller.Info) {},
	"bizType":      func(wiretest.Value, *poller.Info) {},
}

// TestEveryInformationFieldOfEveryType: only a status that cannot be read voids the call, as nobody
// knows then whether the meeting goes on.
func TestEveryInformationFieldOfEveryType(t *testing.T) {
	c, serve := serveAt(t, "videoConferences/m")
	for name, field := range infoFieldsOf {
		for _, v := range wiretest.Values() {
			t.Run(name+"="+v.Raw, func(t *testing.T) {
				var want poller.Info
				field(v, &want)
				serve(fmt.Sprintf(`{"confInfo":{%q:%s}}`, name, v.Raw), nil)
				info, err := c.Info(t.Context(), "m")
				if name == "status" && v.Int == nil {
					assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble)
					assert.ErrorContains(t, err, "confInfo.status")
					return
				}
				require.NoError(t, err)
				assert.Equal(t, want, info)
			})
		}
	}
}

// TestEveryFieldOfALiveMeetingOfEveryType: without a readable id a meeting cannot be found. With
// anything else odd it is.
func TestEveryFieldOfALiveMeetingOfEveryType(t *testing.T) {
	c, serve := serveAt(t, "orgConferences")
	listOf := func(t *testing.T, body string) Ongoing {
		serve(body, nil)
		list, err := c.OngoingMeetings(t.Context())
		require.NoError(t, err)
		return list
	}
	for name, field := range infoFieldsOf {
		for _, v := range wiretest.Values() {
			t.Run(name+"="+v.Raw, func(t *testing.T) {
				var want poller.Info
				field(v, &want)
				list := listOf(t, fmt.Sprintf(`{"onGoingConfList":[{"conferenceId":"a","title":"A"},{"conferenceId":"b",%q:%s}],"hasMore":false}`, name, v.Raw))
				assert.True(t, list.Certain)
				assert.Equal(t, []OngoingMeeting{{ConferenceID: "a", Title: "A"}, {
					ConferenceID: "b", Title: want.Title, CreatorID: want.CreatorID, CreatorNick: want.CreatorNick,
					StartTime: want.StartTime, EndTime: want.EndTime, Ended: want.Ended,
				}}, list.Meetings)
			})
		}
	}
	for _, v := range wiretest.Values() {
		t.Run("conferenceId="+v.Raw, func(t *testing.T) {
			list := listOf(t, `{"onGoingConfList":[{"conferenceId":"a"},{"conferenceId":`+v.Raw+`}],"hasMore":false}`)
			id := or(v.Text)
			if v.Anonymous || id == "" {
				assert.False(t, list.Certain)
				assert.Len(t, list.Meetings, 1)
				return
			}
			assert.True(t, list.Certain)
			assert.Equal(t, id, list.Meetings[1].ConferenceID, "whether it can be watched is for others to say")
		})
		t.Run("meeting="+v.Raw, func(t *testing.T) {
			list := listOf(t, `{"onGoingConfList":[{"conferenceId":"a"},`+v.Raw+`],"hasMore":false}`)
			assert.False(t, list.Certain)
			assert.Equal(t, []OngoingMeeting{{ConferenceID: "a"}}, list.Meetings)
		})
	}
}

func ongoingOf(t *testing.T, pages ...string) Ongoing {
	t.Helper()
	u := newUpstream(t)
	var replies []http.HandlerFunc
	for _, page := range pages {
		replies = append(replies, answer(200, page))
	}
	u.mux.HandleFunc("GET /v1.0/conference/orgConferences", script(replies...))
	list, err := u.client(t).OngoingMeetings(t.Context())
	require.NoError(t, err)
	return list
}

func TestEveryTypeOfHasMore(t *testing.T) {
	for _, v := range wiretest.Values() {
		t.Run(v.Raw, func(t *testing.T) {
			list := ongoingOf(t, `{"onGoingConfList":[{"conferenceId":"a"}],"nextToken":"t","hasMore":`+v.Raw+`}`,
				`{"onGoingConfList":[{"conferenceId":"b"}],"hasMore":false}`)
			given := v.Bool != nil && (!none(v.Raw) || v.Raw == "false") && v.Raw != `"null"`
			if v.Raw == `"null"` {
				return // as good as none, and as good as false
			}
			want := 1
			if !given || *v.Bool {
				want = 2 // without a word the token decides
			}
			assert.Len(t, list.Meetings, want)
			assert.True(t, list.Certain)
		})
	}
}

func TestEveryTypeOfToken(t *testing.T) {
	for _, v := range wiretest.Values() {
		t.Run("expireIn="+v.Raw, func(t *testing.T) {
			token, err := new(Client).readToken(ok200(`{"accessToken":"abcd","expireIn":` + v.Raw + `}`))
			require.NoError(t, err)
			seconds := or(v.Int)
			if v.Raw == "true" {
				seconds = 0 // tells no time
			}
			assert.Equal(t, tokenLife(seconds), token.life)
			assert.GreaterOrEqual(t, token.life, minLife)
			assert.LessOrEqual(t, token.life, maxLife)
		})
		t.Run("accessToken="+v.Raw, func(t *testing.T) {
			c := &Client{secrets: newSecrets(), now: newClock().now}
			token, err := c.readToken(ok200(`{"expireIn":7200,"accessToken":` + v.Raw + `}`))
			if want := or(v.Text); !v.Anonymous && usableToken(want) {
				require.NoError(t, err)
				assert.Equal(t, want, token.value)
				return
			}
			require.Error(t, err)
		})
	}
}
