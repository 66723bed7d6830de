package httpapi

import (
	"errors"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/stored/report"
)

// over is a meeting that ended after a minute, as it is stored, and its report.
func over(t *testing.T) (*diff.State, report.Report) {
	t.Helper()
	s := diff.New("m1").Watch(diff.Description{Title: "Weekly", CreatorID: "c1", CreatorNick: "Chris", StartTime: joined})
	left := present("u1", "Ann")
	left.Status, left.LeaveTime = diff.StatusLeft, joined+60_000
	s = diff.Compare(s, diff.Snapshot{Rows: []diff.Row{left}, At: joined + 61_000, Via: events.ViaPoll, Over: true, EndTime: joined + 60_000}).State
	return s, report.Report{
		ConferenceID: "m1", Title: "Weekly", CreatorNick: "Chris", StartTime: joined - 5000, EndTime: joined + 60_000,
		Duration: 65_000, Reason: "closed", Peak: 1, Total: 60_000,
		People: []report.Person{{
			Person: "u1", UnionID: "u1", UserNick: "Ann", Host: true, Total: 60_000,
			Attendances: []report.Attendance{{Visit: 1, JoinTime: joined, LeaveTime: joined + 60_000, Duration: 60_000, Ended: "left"}},
		}},
	}
}

func TestGetOfAMeetingThatIsOver(t *testing.T) {
	state, told := over(t)
	const known = `
		"conferenceId": "m1", "title": "Weekly", "creatorNick": "Chris", "state": "ended", "activeCount": 0, "interval": "0s",
		"failures": 0, "owner": "", "endTime": "2023-11-14T22:14:20Z", `
	const times = `"startTime": "2023-11-14T22:13:15Z", "duration": 65000, "reason": "closed", "people": 1, "peak": 1, "personMinutes": 1, `
	const ann = `"person": "u1", "unionId": "u1", "userNick": "Ann", "present": false, "joinTime": 1700000000000,
		"leaveTime": 1700000060000, "visits": 1, "coHost": false, "outerOrgMember": false, "pstnJoin": false, `
	const stored = `"creatorId": "c1", "sequence": 2, "lastLook": "2023-11-14T22:14:21Z", "roster": [{` + ann + `"attendStatus": 6, "host": false}]`
	for name, test := range map[string]struct {
		state *diff.State
		err   error
		want  string
	}{
		"state and events": {state, nil, known + times + stored},
		"the state alone": {state, report.ErrNoEvents, known + `"startTime": "2023-11-14T22:13:20Z", "duration": 60000, "reason": "",
			"people": 0, "peak": 0, "personMinutes": 0, ` + stored},
		"events alone": {nil, nil, known + times + `"sequence": 0, "roster": [{` + ann + `"attendStatus": 0, "host": true}]`},
	} {
		t.Run(name, func(t *testing.T) {
			m := table()
			m.stored = func(string) (*diff.State, error) { return test.state, nil }
			f := &fakeReports{report: told, err: test.err}
			resp := request(t, Options{Meetings: m, Reports: f}, http.MethodGet, "/v1/meetings/m1", "")
			require.Equal(t, http.StatusOK, resp.StatusCode)
			assert.JSONEq(t, "{"+test.want+"}", bodyOf(t, resp))
			assert.Equal(t, "m1", f.id)
		})
	}
}

func TestGetOfAMeetingThatIsNotWatched(t *testing.T) {
	state, told := over(t)
	running := told
	running.EndTime = 0
	get := func(state *diff.State, failed error, f *fakeReports) *http.Response {
		m := table()
		m.stored = func(string) (*diff.State, error) { return state, failed }
		return request(t, Options{Meetings: m, Reports: f}, http.MethodGet, "/v1/meetings/m1", "")
	}
	none := &fakeReports{err: fmt.Errorf("meeting m1: %w", report.ErrNoEvents)}
	assert.Equal(t, "meeting m1 is not watched", problemOf(t, get(nil, nil, none), http.StatusNotFound), "unknown")
	problemOf(t, get(nil, nil, &fakeReports{report: running}), http.StatusNotFound)
	problemOf(t, get(nil, assert.AnError, none), http.StatusServiceUnavailable)
	problemOf(t, get(state, nil, &fakeReports{err: assert.AnError}), http.StatusServiceUnavailable)

	given := jsonOf[problem.Body]
	resp := get(state.WithPhase(diff.Unwatched), nil, &fakeReports{err: errors.New("not asked")})
	assert.Equal(t, "application/problem+json", resp.Header.Get("Content-Type"))
	resp.Header.Set("Content-Type", jsonType)
	body := given(t, resp, http.StatusNotFound)
	assert.Equal(t, "unwatched", body.State)
	assert.Equal(t, "meeting m1 is not watched", body.Detail)

	watched := jsonOf[oneMeetingBody](t, get(state.Watch(diff.Description{}), nil, none), http.StatusOK)
	assert.Equal(t, "watched", watched.State, "since a moment ago")
}
