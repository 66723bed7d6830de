package httpapi

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/stored/report"
)

// reportPolicy keeps what a report shows from doing anything, should a browser open it by itself.
const reportPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'"

// Reports computes who attended a meeting; see [report.Of].
type Reports interface {
	Report(ctx context.Context, conferenceID string) (report.Report, error)
}

// report answers with who attended a meeting, from when to when, in the format that is asked for.
func (a *api) report(w http.ResponseWriter, r *http.Request) {
	id, ok := conferenceID(w, r)
	if !ok {
		return
	}
	format := report.JSON
	if name := r.URL.Query().Get("format"); name != "" {
		var err error
		if format, err = report.ParseFormat(name); err != nil {
			problem.Write(w, http.StatusBadRequest, "format: "+err.Error())
			return
		}
	}
	if !a.canAnswer(w) {
		return
	}
	found, err := a.opts.Reports.Report(r.Context(), id)
	switch {
	case errors.Is(err, report.ErrNoEvents):
		a.nothingStored(w, r, id)
		return
	case err != nil:
		fail(w, id, err)
		return
	}
	var body bytes.Buffer
	if err := found.Write(&body, format); err != nil {
		fail(w, id, err)
		return
	}
	w.Header().Set("Content-Security-Policy", reportPolicy)
	w.Header().Set("Content-Disposition", fmt.Sprintf(`inline; filename="rollcall-%s.%s"`, id, format))
	problem.Head(w, http.StatusOK, format.ContentType())
	_, _ = body.WriteTo(w) // a client that is gone gets no more
}

// nothingStored answers that there is no event of a meeting: for certain, as they have expired, if it
// is still known that there were some.
func (a *api) nothingStored(w http.ResponseWriter, r *http.Request, id string) {
	state, err := a.opts.Meetings.Stored(r.Context(), id)
	body := problem.New(http.StatusNotFound, "nothing is stored of meeting "+id+": it was not watched, or its events have expired")
	switch {
	case err != nil:
		fail(w, id, err)
		return
	case state != nil && state.IsWatched():
		body.Detail = "nothing is stored of meeting " + id + " yet"
	case state != nil:
		body.Detail = "the events of meeting " + id + " have expired"
		body.State = diff.Expired.String()
	}
	problem.Reply(w, body.Status, problem.ContentType, body)
}
