package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

func TestPutWatchesOnce(t *testing.T) {
	opts := Options{Meetings: table(), Owner: "here-1"}

	resp := request(t, opts, http.MethodPut, "/v1/meetings/weekly", `{"title":"Weekly 周会"}`)
	body := jsonOf[meetingBody](t, resp, http.StatusCreated)
	assert.Equal(t, "/v1/meetings/weekly", resp.Header.Get("Location"))
	assert.Equal(t, meetingBody{
		ConferenceID: "weekly", Title: "Weekly 周会", State: "watched", Interval: "0s", Owner: "here-1",
	}, body)

	resp = request(t, opts, http.MethodPut, "/v1/meetings/weekly", "")
	assert.Equal(t, "Weekly 周会", jsonOf[meetingBody](t, resp, http.StatusOK).Title)
	assert.Empty(t, resp.Header.Get("Location"))
}

func TestPutBody(t *testing.T) {
	long := strings.Repeat("周", maxTitle)
	for name, c := range map[string]struct {
		body   string
		status int
		title  string
		says   string
	}{
		"none":             {"", 201, "", ""},
		"blank":            {" \r\n\t ", 201, "", ""},
		"no title":         {"{}", 201, "", ""},
		"title":            {`{"title":"Weekly"}`, 201, "Weekly", ""},
		"space around":     {" {\"title\" : \"Weekly\"} \n", 201, "Weekly", ""},
		"longest title":    {`{"title":"` + long + `"}`, 201, long, ""},
		"title too long":   {`{"title":"` + long + `x"}`, 400, "", "over 256 characters"},
		"title no text":    {`{"title":7}`, 400, "", "title"},
		"unknown key":      {`{"title":"a","colour":"red"}`, 400, "", "colour"},
		"other case":       {`{"Title":"a"}`, 400, "", "Title"},
		"twice":            {`{"title":"a","title":"b"}`, 400, "", "title"},
		"null":             {"null", 400, "", "no object"},
		"list":             {`[{"title":"a"}]`, 400, "", "no object"},
		"text":             {`"Weekly"`, 400, "", "no object"},
		"no JSON":          {"title=Weekly", 400, "", "no object"},
		"cut off":          {`{"title":"Wee`, 400, "", "title"},
		"object after it":  {`{"title":"a"}{"title":"b"}`, 400, "", "after"},
		"bracket after it": {`{"title":"a"}]`, 400, "", "after"},
		"brace after it":   {`{"title":"a"}}`, 400, "", "after"},
		"letters after it": {`{"title":"a"} x`, 400, "", "after"},
		"no UTF-8":         {"{\"title\":\"\xff\"}", 400, "", "UTF-8"},
		"as large as can be": {
			`{"title":"a"}` + strings.Repeat(" ", maxBody-len(`{"title":"a"}`)), 201, "a", "",
		},
		"too large":          {`{"title":"a"}` + strings.Repeat(" ", maxBody), 413, "", "65536 bytes"},
		"too large and long": {`{"title":"` + strings.Repeat("a", maxBody) + `"}`, 413, "", "65536 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			calls, got := 0, ""
			m := table()
			m.watch = func(_ context.Context, _, title string) (bool, error) {
				calls++
				got = title
				return true, nil
			}
			resp := request(t, Options{Meetings: m}, http.MethodPut, "/v1/meetings/a", c.body)
			if c.status >= 400 {
				assert.Contains(t, problemOf(t, resp, c.status), c.says)
				assert.Zero(t, calls, "a refused request changes nothing")
				return
			}
			jsonOf[meetingBody](t, resp, c.status)
			assert.Equal(t, c.title, got)
			assert.Equal(t, 1, calls)
		})
	}
}

func TestPutIgnoresWhatTheBodySaysItIs(t *testing.T) {
	for _, contentType := range []string{"", "application/json", "application/x-www-form-urlencoded", "text/xml", "nonsense"} {
		t.Run(contentType, func(t *testing.T) {
			resp := request(t, Options{Meetings: table()}, http.MethodPut, "/v1/meetings/a", `{"title":"Weekly"}`,
				func(r *http.Request) { r.Header.Set("Content-Type", contentType) })
			assert.Equal(t, "Weekly", jsonOf[meetingBody](t, resp, http.StatusCreated).Title)
		})
	}
}

func TestPutOfAMeetingThatIsOverAtOnce(t *testing.T) {
	m := table()
	m.watch = func(context.Context, string, string) (bool, error) { return true, nil }
	resp := request(t, Options{Meetings: m, Owner: "here-1"}, http.MethodPut, "/v1/meetings/a", `{"title":"Weekly"}`)
	body := jsonOf[meetingBody](t, resp, http.StatusCreated)
	assert.Equal(t, "Weekly", body.Title)
	assert.Equal(t, "watched", body.State)
}

func TestIDs(t *testing.T) {
	const good, bad, none = http.StatusNotFound, http.StatusBadRequest, 0
	for target, want := range map[string]int{
		"/v1/meetings/a": good,
		"/v1/meetings/" + strings.Repeat("Z", 128): good,
		"/v1/meetings/A-z_0":                       good,
		"/v1/meetings/%61bc":                       good,
		"/v1/meetings/" + strings.Repeat("Z", 129): bad,
		"/v1/meetings/a%2Fb":                       bad,
		"/v1/meetings/..%2F..%2Fetc":               bad,
		"/v1/meetings/%2e%2e":                      bad,
		"/v1/meetings/a.b":                         bad,
		"/v1/meetings/a%20b":                       bad,
		"/v1/meetings/a%00":                        bad,
		"/v1/meetings/%E5%91%A8":                   bad,
		"/v1/meetings/*":                           bad,
		"/v1/meetings/a?x=/../y":                   good,
		"/v1/meetings/":                            none,
		"/v1/meetings/%2F":                         none,
		"/v1/meetings//":                           none,
		"/v1/meetings/a/":                          none,
		"/v1/meetings/a/b":                         none,
		"/v1/meetings/../meetings/a":               none,
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete} {
			t.Run(method+" "+target, func(t *testing.T) {
				resp := request(t, Options{Meetings: table()}, method, target, "")
				switch {
				case want == none:
					assert.Contains(t, problemOf(t, resp, http.StatusNotFound), "nothing at this path")
				case want == bad:
					assert.Contains(t, problemOf(t, resp, bad), "1 to 128 of A-Z a-z 0-9 _ -")
				case method == http.MethodPut:
					jsonOf[meetingBody](t, resp, http.StatusCreated)
				default:
					assert.Contains(t, problemOf(t, resp, good), "is not watched")
				}
			})
		}
	}
}

func TestGet(t *testing.T) {
	s := state(t, "weekly", "Weekly",
		diff.Row{UnionID: "u1", UserNick: "Ann", Host: true, Status: diff.StatusActive, JoinTime: joined},
		diff.Row{UnionID: "u2", UserNick: "Bob", PSTNJoin: true, Status: diff.StatusLeft, JoinTime: joined, LeaveTime: joined + 5000},
		diff.Row{UserNick: "Guest", OuterOrgMember: true, Status: diff.StatusActive, JoinTime: joined + 1000},
		diff.Row{UnionID: "u3", UserNick: "Cem", CoHost: true, Status: diff.StatusCalling},
	)
	m := table(s)
	look := time.UnixMilli(joined).In(time.FixedZone("", 8*3600)).Add(123456789)
	m.meeting = func(string) (poller.Status, *diff.State, error) {
		return poller.Status{
			ConferenceID: "weekly", Title: "Weekly", CreatorID: "u1", CreatorNick: "Ann", StartTime: joined, LastLook: look,
			NextLook: look.Add(time.Second), Interval: 1500 * time.Millisecond, Active: s.Active, Sequence: s.Sequence,
			Failures: 2, LastError: "unavailable",
		}, s, nil
	}
	resp := request(t, Options{Meetings: m, Owner: "here-1"}, http.MethodGet, "/v1/meetings/weekly", "")
	assert.JSONEq(t, `{
		"conferenceId": "weekly", "title": "Weekly", "creatorId": "u1", "creatorNick": "Ann",
		"startTime": "2023-11-14T22:13:20Z", "state": "watched", "activeCount": 2, "sequence": 4,
		"lastLook": "2023-11-14T22:13:20.123Z", "nextLook": "2023-11-14T22:13:21.123Z", "interval": "1.5s",
		"failures": 2, "lastError": "unavailable", "owner": "here-1",
		"roster": [
			{"person": "u1", "unionId": "u1", "userNick": "Ann", "present": true, "attendStatus": 3,
				"joinTime": 1700000000000, "leaveTime": 0, "visits": 1,
				"host": true, "coHost": false, "outerOrgMember": false, "pstnJoin": false},
			{"person": "u2", "unionId": "u2", "userNick": "Bob", "present": false, "attendStatus": 6,
				"joinTime": 1700000000000, "leaveTime": 1700000005000, "visits": 1,
				"host": false, "coHost": false, "outerOrgMember": false, "pstnJoin": true},
			{"person": "guest:1700000001000:Guest", "unionId": "", "userNick": "Guest", "present": true, "attendStatus": 3,
				"joinTime": 1700000001000, "leaveTime": 0, "visits": 1,
				"host": false, "coHost": false, "outerOrgMember": true, "pstnJoin": false},
			{"person": "u3", "unionId": "u3", "userNick": "Cem", "present": false, "attendStatus": 2,
				"joinTime": 0, "leaveTime": 0, "visits": 0,
				"host": false, "coHost": true, "outerOrgMember": false, "pstnJoin": false}
		]}`, bodyOf(t, resp))
}

func TestList(t *testing.T) {
	opts := Options{Meetings: table()}
	assert.JSONEq(t, `{"meetings": []}`, bodyOf(t, request(t, opts, http.MethodGet, "/v1/meetings", "")))

	opts = Options{Meetings: table(state(t, "a", "One", present("u1", "Ann")), state(t, "b", "Two"))}
	got := jsonOf[listBody](t, request(t, opts, http.MethodGet, "/v1/meetings", ""), http.StatusOK).Meetings
	require.Len(t, got, 2)
	assert.Equal(t, "a", got[0].ConferenceID)
	assert.Equal(t, 1, got[0].ActiveCount)
	assert.Equal(t, "Two", got[1].Title)
	assert.Nil(t, got[1].LastLook)
}

func TestDelete(t *testing.T) {
	opts := Options{Meetings: table(state(t, "a", ""))}
	resp := request(t, opts, http.MethodDelete, "/v1/meetings/a", "")
	assert.Equal(t, http.StatusNoContent, resp.StatusCode)
	assert.Empty(t, bodyOf(t, resp))
	problemOf(t, request(t, opts, http.MethodDelete, "/v1/meetings/a", ""), http.StatusNotFound)
}

// What cannot be done at present is said with a status that invites to try again, and never as an empty list.
func TestWhatCannotBeDone(t *testing.T) {
	for name, err := range map[string]error{
		"not ready":   poller.ErrNotReady,
		"not stored":  fmt.Errorf("watching a: %w", errors.New("the server could not take the commit")),
		"out of time": context.DeadlineExceeded,
	} {
		m := &fakeMeetings{
			watch:    func(context.Context, string, string) (bool, error) { return false, err },
			unwatch:  func(context.Context, string) error { return err },
			meeting:  func(string) (poller.Status, *diff.State, error) { return poller.Status{}, nil, err },
			meetings: func() ([]poller.Status, error) { return nil, err },
		}
		for _, c := range [][2]string{
			{http.MethodGet, "/v1/meetings"},
			{http.MethodGet, "/v1/meetings/a"},
			{http.MethodPut, "/v1/meetings/a"},
			{http.MethodDelete, "/v1/meetings/a"},
			{http.MethodGet, "/"},
		} {
			t.Run(name+" "+c[0]+" "+c[1], func(t *testing.T) {
				resp := request(t, Options{Meetings: m}, c[0], c[1], "")
				assert.Equal(t, err.Error(), problemOf(t, resp, http.StatusServiceUnavailable))
				assert.Equal(t, "1", resp.Header.Get("Retry-After"))
			})
		}
	}
}

func TestChangesAreBoundedInTime(t *testing.T) {
	deadline := func(ctx context.Context) {
		at, ok := ctx.Deadline()
		require.True(t, ok)
		assert.Less(t, time.Until(at), writeTimeout, "the answer must still reach the client")
	}
	m := table()
	m.watch = func(ctx context.Context, _, _ string) (bool, error) { deadline(ctx); return true, nil }
	m.unwatch = func(ctx context.Context, _ string) error { deadline(ctx); return nil }
	request(t, Options{Meetings: m}, http.MethodPut, "/v1/meetings/a", "")
	request(t, Options{Meetings: m}, http.MethodDelete, "/v1/meetings/a", "")
}

// brokenBody fails while it is read.
type brokenBody struct{ io.Reader }

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
func (brokenBody) Close() error             { return nil }

func TestPutWhoseBodyBreaksOff(t *testing.T) {
	m := table()
	m.watch = func(context.Context, string, string) (bool, error) {
		t.Error("half a request was acted on")
		return false, nil
	}
	resp := request(t, Options{Meetings: m}, http.MethodPut, "/v1/meetings/a", "",
		func(r *http.Request) { r.Body = brokenBody{} })
	assert.Contains(t, problemOf(t, resp, http.StatusBadRequest), "cannot be read")
}
