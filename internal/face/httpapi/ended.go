package httpapi

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/stored/ended"
)

// usualEnded is how many ended meetings are listed at most, unless told otherwise.
const usualEnded = 50

// Past finds meetings that are over; see [ended.Index].
type Past interface {
	Search(ctx context.Context, text string, limit int) ([]ended.Meeting, error)
}

// endedListBody is meetings that are over.
type endedListBody struct {
	State    string      `json:"state"` // ended
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
	Duration      int64      `json:"duration"` // milliseconds: its periods added up
	State         string     `json:"state"`
	Reason        string     `json:"reason"`
	People        int        `json:"people"`
	Peak          int        `json:"peak"`
	PersonMinutes float64    `json:"personMinutes"`
}

func (a *api) ended(w http.ResponseWriter, r *http.Request, wanted listing) {
	found, err := a.opts.Past.Search(r.Context(), wanted.search, cmp.Or(wanted.limit, usualEnded))
	if err != nil {
		fail(w, "", err)
		return
	}
	body := endedListBody{State: diff.Ended.String(), Meetings: make([]endedBody, 0, len(found))}
	for i := range found {
		body.Meetings = append(body.Meetings, newEnded(&found[i]))
	}
	problem.Reply(w, http.StatusOK, jsonType, body)
}

func newEnded(m *ended.Meeting) endedBody {
	return endedBody{
		ConferenceID: m.ConferenceID, Title: m.Title, CreatorID: m.CreatorID, CreatorNick: m.CreatorNick,
		StartTime: moment(m.StartTime), EndTime: moment(m.EndTime),
		Duration: m.Duration, State: diff.Ended.String(), Reason: m.Reason, People: m.People, Peak: m.Peak, PersonMinutes: m.PersonMinutes,
	}
}
