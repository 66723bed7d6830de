package server

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/past"
)

const (
	// usualEnded and maxEnded are how many ended meetings are listed at most, unless told otherwise and in any case.
	usualEnded, maxEnded = 50, 500
	// maxSearch is the longest text that is searched for, in bytes.
	maxSearch = 256
)

// Past finds meetings that are over; see [past.Index].
type Past interface {
	Search(ctx context.Context, text string, limit int) ([]past.Meeting, error)
}

// endedListBody is meetings that are over.
type endedListBody struct {
	Meetings []endedBody `json:"meetings"`
}

// endedBody is a meeting that is over. Times are RFC 3339 and absent where unknown.
type endedBody struct {
	ConferenceID  string     `json:"conferenceId"`
	Title         string     `json:"title"`
	CreatorID     string     `json:"creatorId,omitempty"`
	CreatorNick   string     `json:"creatorNick,omitempty"`
	StartTime     *time.Time `json:"startTime,omitempty"`
	EndTime       *time.Time `json:"endTime,omitempty"`
	State         string     `json:"state"`
	Reason        string     `json:"reason"`
	People        int        `json:"people"`
	Peak          int        `json:"peak"`
	PersonMinutes float64    `json:"personMinutes"`
}

// list answers with the meetings that are watched or, with state=ended, with those that are over.
func (a *api) list(w http.ResponseWriter, r *http.Request) {
	switch state := r.URL.Query().Get("state"); state {
	case "", diff.Watched.String():
		a.watched(w, r)
	case diff.Ended.String():
		a.ended(w, r)
	default:
		problem(w, http.StatusBadRequest, fmt.Sprintf("state: %q is neither %s nor %s", state, diff.Watched, diff.Ended))
	}
}

func (a *api) ended(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	limit, err := strconv.Atoi(query.Get("limit"))
	switch {
	case !query.Has("limit"):
		limit = usualEnded
	case err != nil || limit < 1 || limit > maxEnded:
		problem(w, http.StatusBadRequest, fmt.Sprintf("limit: %q is no number from 1 to %d", query.Get("limit"), maxEnded))
		return
	}
	text := query.Get("search")
	if len(text) > maxSearch {
		problem(w, http.StatusBadRequest, fmt.Sprintf("search: is over %d bytes", maxSearch))
		return
	}
	found, err := a.opts.Past.Search(r.Context(), text, limit)
	if err != nil {
		fail(w, "", err)
		return
	}
	body := endedListBody{Meetings: make([]endedBody, 0, len(found))}
	for i := range found {
		body.Meetings = append(body.Meetings, newEnded(&found[i]))
	}
	reply(w, http.StatusOK, jsonType, body)
}

func newEnded(m *past.Meeting) endedBody {
	return endedBody{
		ConferenceID: m.ConferenceID, Title: m.Title, CreatorID: m.CreatorID, CreatorNick: m.CreatorNick,
		StartTime: instant(time.UnixMilli(m.StartTime), m.StartTime == 0),
		EndTime:   instant(time.UnixMilli(m.EndTime), m.EndTime == 0),
		State:     diff.Ended.String(), Reason: m.Reason, People: m.People, Peak: m.Peak, PersonMinutes: m.PersonMinutes,
	}
}
