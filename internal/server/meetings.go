package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
	"unicode/utf8"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// maxTitle is the longest title that is taken, in characters.
const maxTitle = 256

type api struct{ opts Options }

// meetingBody is a watched meeting as the API shows it. Times are RFC 3339 and absent while there is none.
type meetingBody struct {
	ConferenceID string     `json:"conferenceId"`
	Title        string     `json:"title"`
	CreatorID    string     `json:"creatorId,omitempty"`
	CreatorNick  string     `json:"creatorNick,omitempty"`
	StartTime    *time.Time `json:"startTime,omitempty"`
	State        string     `json:"state"`
	ActiveCount  int        `json:"activeCount"`
	Sequence     uint64     `json:"sequence"`
	LastLook     *time.Time `json:"lastLook,omitempty"`
	NextLook     *time.Time `json:"nextLook,omitempty"`
	Interval     string     `json:"interval"`
	Failures     int        `json:"failures"`
	LastError    string     `json:"lastError,omitempty"`
	Owner        string     `json:"owner"`
}

// oneMeetingBody is one meeting with everybody its list ever showed.
type oneMeetingBody struct {
	meetingBody
	Roster []personBody `json:"roster"`
}

// personBody is one person of the roster. Times are Unix milliseconds, as in the events.
type personBody struct {
	Person         string `json:"person"`
	UnionID        string `json:"unionId"`
	UserNick       string `json:"userNick"`
	Present        bool   `json:"present"`
	AttendStatus   int    `json:"attendStatus"`
	JoinTime       int64  `json:"joinTime"`
	LeaveTime      int64  `json:"leaveTime"`
	Visits         int    `json:"visits"`
	Host           bool   `json:"host"`
	CoHost         bool   `json:"coHost"`
	OuterOrgMember bool   `json:"outerOrgMember"`
	PSTNJoin       bool   `json:"pstnJoin"`
}

func (a *api) list(w http.ResponseWriter, _ *http.Request) {
	meetings := []meetingBody{}
	for _, s := range a.opts.Meetings.Meetings() {
		meetings = append(meetings, a.body(s))
	}
	reply(w, http.StatusOK, map[string]any{"meetings": meetings})
}

func (a *api) get(w http.ResponseWriter, r *http.Request) {
	id, ok := conferenceID(w, r)
	if !ok {
		return
	}
	status, state, err := a.opts.Meetings.Meeting(id)
	if err != nil {
		a.fail(w, id, err)
		return
	}
	reply(w, http.StatusOK, oneMeetingBody{a.body(status), roster(state)})
}

func (a *api) put(w http.ResponseWriter, r *http.Request) {
	id, ok := conferenceID(w, r)
	if !ok {
		return
	}
	title, status, err := readTitle(w, r)
	if err != nil {
		problem(w, status, err.Error())
		return
	}
	created, err := a.opts.Meetings.Watch(r.Context(), id, title)
	if err != nil {
		a.fail(w, id, err)
		return
	}
	status = http.StatusOK
	if created {
		status = http.StatusCreated
		w.Header().Set("Location", "/v1/meetings/"+id)
	}
	body := meetingBody{ConferenceID: id, Title: title, State: diff.Watched.String(), Owner: a.opts.Owner}
	if current, _, err := a.opts.Meetings.Meeting(id); err == nil {
		body = a.body(current)
	}
	reply(w, status, body)
}

func (a *api) delete(w http.ResponseWriter, r *http.Request) {
	id, ok := conferenceID(w, r)
	if !ok {
		return
	}
	if err := a.opts.Meetings.Unwatch(r.Context(), id); err != nil {
		a.fail(w, id, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// conferenceID reads the meeting from the path, or answers 400.
func conferenceID(w http.ResponseWriter, r *http.Request) (string, bool) {
	id := r.PathValue("id")
	if err := events.CheckConferenceID(id); err != nil {
		problem(w, http.StatusBadRequest, err.Error())
		return "", false
	}
	return id, true
}

// readTitle reads the optional body {"title"}, or says with which status it is refused.
func readTitle(w http.ResponseWriter, r *http.Request) (title string, status int, err error) {
	var body struct {
		Title string `json:"title"`
	}
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	err = d.Decode(&body)
	if errors.Is(err, io.EOF) {
		return "", 0, nil
	}
	if err == nil && d.More() {
		err = errors.New("there is more after the object")
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return "", http.StatusRequestEntityTooLarge, fmt.Errorf("the body is over %d bytes", tooLarge.Limit)
	case err != nil:
		return "", http.StatusBadRequest, fmt.Errorf("the body is not {\"title\": \"…\"}: %w", err)
	case utf8.RuneCountInString(body.Title) > maxTitle:
		return "", http.StatusBadRequest, fmt.Errorf("the title is over %d characters", maxTitle)
	}
	return body.Title, 0, nil
}

// fail answers what a meeting could not be done with.
func (a *api) fail(w http.ResponseWriter, id string, err error) {
	switch {
	case errors.Is(err, poller.ErrNotWatched):
		problem(w, http.StatusNotFound, "meeting "+id+" is not watched")
	case errors.Is(err, events.ErrConferenceID):
		problem(w, http.StatusBadRequest, err.Error())
	default:
		w.Header().Set("Retry-After", "1")
		problem(w, http.StatusServiceUnavailable, err.Error())
	}
}

func (a *api) body(s poller.Status) meetingBody {
	return meetingBody{
		ConferenceID: s.ConferenceID, Title: s.Title, CreatorID: s.CreatorID, CreatorNick: s.CreatorNick,
		StartTime: instant(time.UnixMilli(s.StartTime), s.StartTime == 0), State: diff.Watched.String(),
		ActiveCount: s.Active, Sequence: s.Sequence,
		LastLook: instant(s.LastLook, s.LastLook.IsZero()), NextLook: instant(s.NextLook, s.NextLook.IsZero()),
		Interval: s.Interval.String(), Failures: s.Failures, LastError: s.LastError, Owner: a.opts.Owner,
	}
}

func instant(t time.Time, none bool) *time.Time {
	if none {
		return nil
	}
	t = t.UTC().Truncate(time.Millisecond)
	return &t
}

func roster(state *diff.State) []personBody {
	people := make([]personBody, 0, state.Size())
	for p := range state.People() {
		people = append(people, personBody{
			Person: p.Key, UnionID: p.UnionID, UserNick: p.UserNick, Present: p.Present, AttendStatus: p.AttendStatus,
			JoinTime: p.JoinTime, LeaveTime: p.LeaveTime, Visits: p.Visits,
			Host: p.Host, CoHost: p.CoHost, OuterOrgMember: p.OuterOrgMember, PSTNJoin: p.PSTNJoin,
		})
	}
	return people
}
