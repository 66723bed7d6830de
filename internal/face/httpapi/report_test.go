package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/stored/report"
)

// fakeReports gives one report, or an error, for every meeting.
type fakeReports struct {
	report report.Report
	err    error
	id     string
}

func (f *fakeReports) Report(_ context.Context, id string) (report.Report, error) {
	f.id = id
	return f.report, f.err
}

func TestReport(t *testing.T) {
	f := &fakeReports{report: report.Report{
		Version: 1, ConferenceID: "m1", Title: "Weekly", AsOf: joined + 60_000, StartTime: joined, EndTime: joined + 60_000, Complete: true,
		Periods: []report.Period{{StartTime: joined, EndTime: joined + 60_000}}, Gaps: []report.Gap{},
		People: []report.Person{{
			Person: "u1", UnionID: "u1", UserNick: "=Ann", FirstJoined: joined, LastLeft: joined + 60_000, Total: 60_000, Share: 1,
			Attendances: []report.Attendance{{Visit: 1, JoinTime: joined, LeaveTime: joined + 60_000, Duration: 60_000, Ended: "left"}},
		}},
	}}
	opts := Options{Meetings: table(), Reports: f}
	for format, c := range map[string]struct{ kind, says string }{
		"":              {"application/json", `"userNick": "=Ann"`},
		"?format=json":  {"application/json", `"total": 60000`},
		"?format=csv":   {"text/csv; charset=utf-8; header=present", "'=Ann"},
		"?format=svg":   {"image/svg+xml", "<svg"},
		"?format=html":  {"text/html; charset=utf-8", "=Ann"},
		"?format=table": {"text/plain; charset=utf-8", "=Ann"},
	} {
		resp := request(t, opts, http.MethodGet, "/v1/meetings/m1/report"+format, "")
		require.Equal(t, http.StatusOK, resp.StatusCode, format)
		assert.Equal(t, c.kind, resp.Header.Get("Content-Type"))
		assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "sandbox")
		assert.Contains(t, resp.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		assert.Contains(t, resp.Header.Get("Content-Disposition"), `filename="rollcall-m1.`)
		assert.Contains(t, bodyOf(t, resp), c.says, format)
	}
	assert.Equal(t, "m1", f.id)
	var read report.Report
	require.NoError(t, json.Unmarshal([]byte(bodyOf(t, request(t, opts, http.MethodGet, "/v1/meetings/m1/report", ""))), &read))
	assert.Equal(t, f.report.People, read.People)
}

func TestReportThatCannotBeHad(t *testing.T) {
	f := &fakeReports{err: fmt.Errorf("meeting m1: %w", report.ErrNoEvents)}
	opts := Options{Meetings: table(), Reports: f}
	get := func(target string) *http.Response { return request(t, opts, http.MethodGet, target, "") }
	assert.Equal(t, "nothing is stored of meeting m1: it was not watched, or its events have expired",
		problemOf(t, get("/v1/meetings/m1/report"), http.StatusNotFound))
	for phase, want := range map[diff.Phase]struct{ says, state string }{
		diff.Watched:   {"nothing is stored of meeting m1 yet", ""},
		diff.Unwatched: {"the events of meeting m1 have expired", "expired"},
		diff.Ended:     {"the events of meeting m1 have expired", "expired"},
		diff.Expired:   {"the events of meeting m1 have expired", "expired"},
	} {
		known := table()
		known.stored = func(id string) (*diff.State, error) { return diff.New(id).WithPhase(phase), nil }
		resp := request(t, Options{Meetings: known, Reports: f}, http.MethodGet, "/v1/meetings/m1/report", "")
		var body problem.Body
		require.NoError(t, json.Unmarshal([]byte(bodyOf(t, resp)), &body))
		assert.Equal(t, http.StatusNotFound, body.Status)
		assert.Equal(t, want.says, body.Detail)
		assert.Equal(t, want.state, body.State)
	}
	f.err = assert.AnError
	problemOf(t, get("/v1/meetings/m1/report"), http.StatusServiceUnavailable)
	assert.Contains(t, problemOf(t, get("/v1/meetings/m1/report?format=pdf"), http.StatusBadRequest), "format: ")
	problemOf(t, get("/v1/meetings/a.b/report"), http.StatusBadRequest)
}
