package httpapi

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/ended"
)

// fakePast finds what it was given, and keeps what it was asked for.
type fakePast struct {
	found []ended.Meeting
	err   error
	text  string
	limit int
}

func (f *fakePast) Search(_ context.Context, text string, limit int) ([]ended.Meeting, error) {
	f.text, f.limit = text, limit
	return f.found, f.err
}

func TestEndedMeetings(t *testing.T) {
	f := &fakePast{found: []ended.Meeting{
		{Meeting: events.Meeting{
			ConferenceID: "m1", Title: "Weekly", CreatorNick: "Ann", StartTime: joined, EndTime: joined + 60_000, Reason: "ended",
			People: 3, Peak: 2, PersonMinutes: 1.5,
		}},
		{Meeting: events.Meeting{ConferenceID: "m2"}},
	}}
	opts := Options{Meetings: table(), Past: f}
	body := jsonOf[endedListBody](t, request(t, opts, http.MethodGet, "/v1/meetings?state=ended", ""), http.StatusOK)
	assert.Equal(t, "", f.text)
	assert.Equal(t, usualEnded, f.limit)
	first := body.Meetings[0]
	assert.Equal(t, "2023-11-14T22:13:20Z", first.StartTime.Format("2006-01-02T15:04:05Z07:00"))
	assert.Equal(t, joined+60_000, first.EndTime.UnixMilli())
	assert.Equal(t, "ended", first.State)
	assert.Equal(t, []any{3, 2, 1.5}, []any{first.People, first.Peak, first.PersonMinutes})
	assert.Nil(t, body.Meetings[1].StartTime)

	f.found = nil
	resp := request(t, opts, http.MethodGet, "/v1/meetings?state=ended&search=%E5%91%A8&limit=7", "")
	assert.JSONEq(t, `{"state":"ended","meetings":[]}`, bodyOf(t, resp))
	assert.Equal(t, "周", f.text)
	assert.Equal(t, 7, f.limit)
	f.err = assert.AnError
	problemOf(t, request(t, opts, http.MethodGet, "/v1/meetings?state=ended", ""), http.StatusServiceUnavailable)
	for query, says := range map[string]string{
		"state=over": `"over"`, "state=ended&limit=0": "limit", "state=ended&limit=501": "limit", "state=ended&limit=x": "limit",
		"state=ended&limit=": "limit", "state=ended&search=" + strings.Repeat("x", maxSearch+1): "search",
	} {
		assert.Contains(t, problemOf(t, request(t, opts, http.MethodGet, "/v1/meetings?"+query, ""), http.StatusBadRequest), says)
	}
	assert.Equal(t, http.StatusOK, request(t, opts, http.MethodGet, "/v1/meetings?state=watched", "").StatusCode)
}
