package service

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// What has expired is no loss to replicas that run, readers over HTTP go on behind it, and what is
// asked of it is answered with that.
func TestWhatHasExpired(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	store := streamtest.Start(t)
	rec := store.Record()
	ann := diff.Row{UnionID: "ann", UserNick: "Ann", Status: diff.StatusActive, JoinTime: streamtest.Begin}
	rec.Watch("over", streamtest.Begin, diff.Description{Title: "Weekly", StartTime: streamtest.Begin})
	rec.End("over", streamtest.Begin+60_000, ann)
	two := replicas(t, external(settings(t, api), store.Address), 2)
	for _, r := range two {
		r.eventually("/v1/meetings/over", http.StatusOK, `"state":"ended"`)
		r.eventually("/v1/meetings?state=ended", http.StatusOK, `"over"`)
	}
	rec.Expire()
	status, _ := two[0].do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	for _, r := range two {
		r.eventually("/v1/meetings/over", http.StatusNotFound, "is not watched")
		r.eventually("/v1/meetings/over/report", http.StatusNotFound, "its events have expired")
		assert.Contains(t, nextEvent(t, r, "1"), `"conferenceId":"office"`)
		_, health := r.do(http.MethodGet, "/readyz?verbose", "")
		assert.NotContains(t, health, "store_lost")
	}
	assert.Equal(t, []string{"started"}, lives(t, store.URL(), "office"))
}

// nextEvent is the first event that a reader over HTTP is sent who goes on behind a place.
func nextEvent(t *testing.T, r *running, after string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+"/v1/events", nil)
	require.NoError(t, err)
	req.Header.Set("Last-Event-ID", after)
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "{}" { // which is the position
			return data
		}
	}
	return ""
}
