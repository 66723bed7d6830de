package httpapi

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// Who reads what about people stands in the log, once, with no name of those and no token.
func TestWhoReadsWhatIsLogged(t *testing.T) {
	var log logbuffer.Buffer
	var told []events.Access
	doors := withKeys(t, "", tokenFile(t), &memory{})
	h := Handler(Options{
		Meetings: table(state(t, "a", "Weekly", present("u-ann", "Ann"))), Access: doors, Reports: &fakeReports{report: report.Report{ConferenceID: "a"}},
		Logger: slog.New(slog.NewJSONHandler(&log, nil)), Read: func(read events.Access) { told = append(told, read) },
	})
	as := header("Authorization", "Bearer the token of read")
	for _, target := range []string{"/v1/meetings/a", "/v1/meetings/a/report?format=csv", "/v1/meetings/a/report?format=x", "/v1/meetings", "/livez"} {
		ask(t, h, http.MethodGet, target, "", as)
	}
	ask(t, h, http.MethodHead, "/v1/meetings/a", "", as)
	ask(t, h, http.MethodGet, "/v1/meetings/a", "")
	var lines []map[string]any
	for line := range strings.Lines(log.String()) {
		var read map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &read))
		if read["msg"] == "access" {
			delete(read, "time")
			lines = append(lines, read)
		}
	}
	require.Len(t, lines, 3)
	assert.Equal(t, map[string]any{
		"level": "INFO", "msg": "access", "what": "roster", "by": "token", "name": "read", "meeting": "a", "from": "192.0.2.1", "status": 200.0,
	}, lines[0])
	assert.Equal(t, "report", lines[1]["what"])
	assert.Equal(t, []any{"csv"}, lines[1]["format"])
	assert.Equal(t, 400.0, lines[2]["status"])
	assert.Equal(t, []events.Access{
		{What: "roster", By: "token", Name: "read", Meeting: "a"}, {What: "report", By: "token", Name: "read", Meeting: "a"},
	}, told, "of what was shown")
	for _, secret := range []string{"the token of", "Ann", "u-ann", "Weekly"} {
		assert.NotContains(t, log.String(), secret)
	}
}
