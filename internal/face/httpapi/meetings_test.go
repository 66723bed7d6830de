package httpapi

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/poller"
)

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
	m.meeting = func(string) (peers.Meeting, *diff.State, error) {
		return peers.Meeting{Owner: "here-1", Status: poller.Status{
			ConferenceID: "weekly", Title: "Weekly", CreatorID: "u1", CreatorNick: "Ann", StartTime: joined, LastLook: look,
			NextLook: look.Add(time.Second), Interval: 1500 * time.Millisecond, Active: s.Active, Sequence: s.Sequence,
			Failures: 2, LastError: "unavailable",
		}}, s, nil
	}
	resp := request(t, Options{Meetings: m}, http.MethodGet, "/v1/meetings/weekly", "")
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
	assert.JSONEq(t, `{"state": "watched", "meetings": []}`, bodyOf(t, request(t, opts, http.MethodGet, "/v1/meetings", "")))

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

// What cannot be done at present is said with a status that invites to try again, and never as an
// empty list.
func TestWhatCannotBeDone(t *testing.T) {
	for name, err := range map[string]error{
		"not ready":   poller.ErrNotReady,
		"not stored":  fmt.Errorf("watching a: %w", errors.New("the server could not take the commit")),
		"out of time": context.DeadlineExceeded,
	} {
		m := &fakeMeetings{
			watch:    func(context.Context, string, string) (bool, error) { return false, err },
			unwatch:  func(context.Context, string) error { return err },
			meeting:  func(string) (peers.Meeting, *diff.State, error) { return peers.Meeting{}, nil, err },
			meetings: func() ([]peers.Meeting, error) { return nil, err },
		}
		for _, c := range [][2]string{
			{http.MethodGet, "/v1/meetings"},
			{http.MethodGet, "/v1/meetings/a"},
			{http.MethodPut, "/v1/meetings/a"},
			{http.MethodDelete, "/v1/meetings/a"},
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
