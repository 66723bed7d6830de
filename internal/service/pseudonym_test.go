package service

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// names are what must be nowhere.
var names = []string{
	"zara", "Zara", "guest-id", "Guest Nick", `"Ann"`, `"ann"`, ">Ann<", `"Bob"`, `"bob"`, `"Gus"`, "guest:", "privacy key",
	simulator.DefaultAppSecret,
}

// pseudonymous plays visits, guests and failing looks to a service that gives pseudonyms.
func pseudonymous(t *testing.T) (*simulator.Simulator, *running, config.Settings) {
	t.Helper()
	sim, api := simulate(t, office)
	s := settings(t, api)
	s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, "privacy key"
	s.Polling.DiscoveryInterval = 10 * time.Millisecond
	require.NoError(t, sim.AddMeeting(history.Plan{ID: "listed", Title: "Listed", People: []history.Person{
		{ID: "zara-id", Nick: "Zara Nick", Visits: []history.Visit{{}}},
		{ID: "guest-id", Nick: "Guest Nick", Guest: true, Visits: []history.Visit{{}}},
	}}))
	r := start(t, s)
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/listed", http.StatusOK, `"activeCount":2`)
	do(t, sim, join("bob"), join("gus"))
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":3`)
	do(t, sim, leave("gus"), leave("bob"))
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
	_, err := sim.AddFaults(fault.Fault{Kind: fault.Truncated, Calls: []fault.Class{fault.ClassMembers}})
	require.NoError(t, err)
	r.eventually("/v1/meetings/office", http.StatusOK, `"lastError"`)
	return sim, r, s
}

func TestPseudonymsNameNobody(t *testing.T) {
	t.Parallel()
	sim, r, s := pseudonymous(t)
	list, raw := stored(t, r.nats)
	require.NotEmpty(t, ofMembers(list))
	for _, e := range ofMembers(list) {
		assert.Regexp(t, `^[pg]-[0-9a-f]{32}$`, e.Member.UnionID)
		assert.Equal(t, e.Member.UnionID, e.Subject)
		assert.Empty(t, e.Member.UserNick)
	}
	var shown strings.Builder
	for _, path := range []string{"/v1/meetings", "/v1/meetings/office", "/v1/meetings/listed", "/v1/meetings/office/report", "/readyz?verbose", "/metrics"} {
		_, body := r.do(http.MethodGet, path, "")
		shown.WriteString(body)
	}
	require.NoError(t, r.stop())
	for where, text := range map[string]string{"the stream": string(raw), "the API": shown.String(), "the log": r.log.String()} {
		for _, name := range names {
			if at := strings.Index(text, name); at >= 0 {
				assert.Failf(t, "somebody is named", "%s holds %q: %.200s", where, name, text[max(at-100, 0):])
			}
		}
	}
	sim.ClearFaults()
	again := start(t, s) // reads the stored states, which are compressed in the stream
	again.ready()
	for _, id := range []string{"office", "listed"} {
		for _, p := range again.meeting(id).Roster {
			assert.Regexp(t, `^[pg]-[0-9a-f]{32}$`, p.Person)
			assert.Empty(t, p.UserNick)
		}
	}
	after, _ := stored(t, again.nats)
	assert.Len(t, ofMembers(after), len(ofMembers(list)), "the same people have the same pseudonyms after a restart")
}

func ofMembers(list []events.Event) []events.Event {
	var out []events.Event
	for _, e := range list {
		if e.Member != nil {
			out = append(out, e)
		}
	}
	return out
}
