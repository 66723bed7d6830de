package service

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What is stored is sent to whoever listens over HTTP, from the place on that they name.
func TestEventsOverHTTP(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	r := start(t, settings(t, api))
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)

	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.base+"/v1/events?meeting=office", nil)
	require.NoError(t, err)
	req.Header.Set("Last-Event-ID", "0")
	resp, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	lines := bufio.NewScanner(resp.Body)
	var types []string
	for len(types) < 2 && lines.Scan() {
		if data, ok := strings.CutPrefix(lines.Text(), "data: "); ok && data != "{}" { // which is the position
			_, after, _ := strings.Cut(data, `"type":"`)
			kind, _, _ := strings.Cut(after, `"`)
			types = append(types, kind)
		}
	}
	assert.Equal(t, []string{"conference.meeting.started", "conference.member.joined"}, types)
}
