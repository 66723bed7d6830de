package service

import (
	"context"
	"fmt"
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
	"zara", "Zara", "guest-id", "Guest Nick", `"Ann"`, `"ann"`, ">Ann<", `"Bob"`, `"bob"`, `"Gus"`, "Listed", "Office", "privacy key",
	simulator.DefaultAppSecret,
}

// pseudonymous plays visits, guests and failing looks to a service that gives pseudonyms.
func pseudonymous(t *testing.T) (*simulator.Simulator, *running, config.Settings) {
	t.Helper()
	sim, api := simulate(t, office)
	s := settings(t, api)
	s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, "privacy key, of 32 bytes and more"
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
		assertPseudonym(t, e.Subject, e.Member.UnionID, e.Member.UserNick)
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
			assertPseudonym(t, p.Person, p.UnionID, p.UserNick)
		}
	}
	after, _ := stored(t, again.nats)
	assert.Len(t, ofMembers(after), len(ofMembers(list)), "the same people have the same pseudonyms after a restart")
}

// assertPseudonym makes sure that a person has a pseudonym, and a guest is known as one.
func assertPseudonym(t *testing.T, key, unionID, nick string) {
	t.Helper()
	if unionID == "" {
		assert.Regexp(t, `^g-[0-9a-f]{12}$`, nick)
		assert.Regexp(t, `^guest:[0-9]+:`+nick+`$`, key)
		return
	}
	assert.Regexp(t, `^p-[0-9a-f]{32}$`, unionID)
	assert.Equal(t, unionID, key)
	assert.Empty(t, nick)
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

// refusedStart runs a service that has to end by itself, and returns why.
func refusedStart(t *testing.T, s config.Settings) *config.UsageError {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var usage *config.UsageError
	require.ErrorAs(t, Run(ctx, Options{Settings: s}), &usage)
	return usage
}

// The settings say how people are told of; a stream that was made otherwise is not written to.
func TestTheServiceRefusesToTellInTwoWays(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := settings(t, api)
	s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, "short"
	assert.Equal(t, "privacy-key", refusedStart(t, s).Setting)
	s.Events.PrivacyKey = "privacy key, of 32 bytes and more"
	r := start(t, s)
	r.ready()
	require.NoError(t, r.stop())

	other := s
	other.Events.PrivacyKey = "another privacy key, also of 32 bytes"
	usage := refusedStart(t, other)
	assert.Equal(t, "privacy-key", usage.Setting)
	assert.NotContains(t, usage.Error(), "another privacy")
	other.Events = config.Events{Retention: time.Hour}
	assert.Equal(t, "privacy", refusedStart(t, other).Setting)
	again := start(t, s)
	again.ready()
}

// A title that was stored before titles were dropped is not told any more, nor one that somebody
// gives.
func TestStoredTitlesAreDropped(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	s := settings(t, api)
	s.Events.Privacy, s.Events.PrivacyKey = config.PrivacyPseudonym, "privacy key, of 32 bytes and more"
	s.Events.PrivacyTitles = config.TitlesKeep
	r := start(t, s)
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", `{"title":"Zara's salary"}`)
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, "salary")
	require.NoError(t, r.stop())

	s.Events.PrivacyTitles = config.TitlesDrop
	r = start(t, s)
	r.ready()
	before, _ := stored(t, r.nats)
	status, _ = r.do(http.MethodPut, "/v1/meetings/office", `{"title":"Zara's salary"}`)
	require.Equal(t, http.StatusOK, status)
	do(t, sim, join("bob"))
	body := r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":2`)
	_, list := r.do(http.MethodGet, "/v1/meetings", "")
	assert.NotContains(t, body+list, "salary")
	after, _ := stored(t, r.nats)
	require.Greater(t, len(after), len(before))
	for _, e := range after[len(before):] {
		assert.NotContains(t, fmt.Sprint(e.Member, e.Meeting), "salary")
	}
	require.NoError(t, r.stop())
	assert.NotContains(t, r.log.String(), "salary")
}
