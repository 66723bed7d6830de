package httpapi

import (
	"errors"
	"net/http"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/poller"
)

// notWatched answers for a meeting that is not watched: with all that is known of it when it is
// over, and otherwise that it is not. Its state and its events may expire one before the other:
// either is enough.
func (a *api) notWatched(w http.ResponseWriter, r *http.Request, id string) {
	state, err := a.opts.Meetings.Stored(r.Context(), id)
	switch {
	case err != nil:
		fail(w, id, err)
		return
	case state != nil && state.Phase == diff.Watched: // since a moment ago
		status := peers.Meeting{Status: poller.StatusOf(state)}
		problem.Reply(w, http.StatusOK, jsonType, oneMeetingBody{meetingBodyOf(status), nil, roster(state)})
		return
	case state != nil && state.Phase != diff.Ended:
		body := problem.New(http.StatusNotFound, notWatched(id))
		body.State = state.Phase.String()
		problem.Reply(w, body.Status, problem.ContentType, body)
		return
	}
	told, err := a.opts.Reports.Report(r.Context(), id)
	recorded := err == nil
	switch {
	case err != nil && !errors.Is(err, report.ErrNoEvents):
		fail(w, id, err)
	case state != nil, recorded && !told.Running():
		problem.Reply(w, http.StatusOK, jsonType, overOf(id, state, told, recorded))
	default:
		problem.Write(w, http.StatusNotFound, notWatched(id))
	}
}

// overOf is what is known of a meeting that is over. The report has the last word about its times.
func overOf(id string, state *diff.State, told report.Report, recorded bool) oneMeetingBody {
	body := oneMeetingBody{overBody: &overBody{}}
	if state != nil {
		body.meetingBody = meetingBodyOf(peers.Meeting{Status: poller.StatusOf(state)})
		body.EndTime, body.Duration = moment(state.EndTime), max(state.EndTime-state.StartTime, 0)
		body.Roster = roster(state)
	} else {
		status := poller.Status{ConferenceID: id, Title: told.Title, CreatorNick: told.CreatorNick}
		body.meetingBody, body.Roster = meetingBodyOf(peers.Meeting{Status: status}), attendees(told.People)
	}
	if recorded {
		body.StartTime, body.EndTime, body.Duration = moment(told.StartTime), moment(told.EndTime), told.Duration
		body.Reason, body.People, body.Peak = told.Reason, len(told.People), told.Peak
		body.PersonMinutes = float64(told.Total) / float64(time.Minute.Milliseconds())
	}
	body.State = diff.Ended.String()
	return body
}

// attendees are the people of a report as the roster of a meeting shows them.
func attendees(people []report.Person) []personBody {
	out := make([]personBody, 0, len(people))
	for i := range people {
		p := &people[i]
		last := p.Attendances[len(p.Attendances)-1]
		out = append(out, personBody{
			Person: p.Person, UnionID: p.UnionID, UserNick: p.UserNick, Present: p.Present,
			JoinTime: last.JoinTime, LeaveTime: last.LeaveTime, Visits: len(p.Attendances),
			Host: p.Host, CoHost: p.CoHost, OuterOrgMember: p.OuterOrgMember, PSTNJoin: p.PSTNJoin,
		})
	}
	return out
}
