package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/logging"
	"github.com/c4342123/rollcall/internal/simulator"
)

// office is a meeting in which nothing happens but what a test does. No list of the organisation names it.
const office = `{meetings: [{id: office, title: Office hours, unlisted: true, people: [
	{id: ann, nick: Ann, host: true, visits: [{from: 0s}]}, {id: bob, nick: Bob}, {id: gus, nick: Gus, guest: true}]}]}`

func do(t *testing.T, sim *simulator.Simulator, actions ...simulator.LiveAction) {
	t.Helper()
	_, _, err := sim.Do("office", actions...)
	require.NoError(t, err)
}

func join(person string) simulator.LiveAction {
	return simulator.LiveAction{Do: simulator.Join, Person: person}
}

func leave(person string) simulator.LiveAction {
	return simulator.LiveAction{Do: simulator.Leave, Person: person}
}

func TestEndToEnd(t *testing.T) {
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	natsURL := r.ready()

	status, body := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status, body)
	status, _ = r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusOK, status)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

	do(t, sim, join("bob"), join("gus"))
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":3`)
	do(t, sim, leave("bob"), simulator.LiveAction{Do: simulator.Kick, Person: "gus"})
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

	m := r.meeting("office")
	assert.Equal(t, "watched", m.State)
	assert.Equal(t, uint64(5), m.Sequence)
	assert.Len(t, m.Roster, 3)
	r.eventually("/", http.StatusOK, "Ann")

	assert.Equal(t, []string{"1 joined Ann", "2 joined Bob", "3 joined Gus", "4 left Bob", "5 kicked Gus"}, told(t, natsURL))

	status, _ = r.do(http.MethodDelete, "/v1/meetings/office", "")
	assert.Equal(t, http.StatusNoContent, status)
	r.eventually("/v1/meetings/office", http.StatusNotFound, "is not watched")
	assert.NoError(t, r.stop())
}

// told lists the stored member events in few words.
func told(t *testing.T, natsURL string) []string {
	t.Helper()
	var out []string
	list, _ := stored(t, natsURL)
	for _, e := range list {
		if e.Member != nil {
			verb := strings.TrimPrefix(string(e.Type), "conference.member.")
			out = append(out, fmt.Sprintf("%d %s %s", e.Sequence, verb, e.Member.UserNick))
			assert.Equal(t, "/dingtalk/corp/conferences/"+e.Member.ConferenceID, e.Source)
		}
	}
	return out
}

func TestRestartGoesOn(t *testing.T) {
	sim, api := simulate(t, office)
	s := settings(t, api)
	first := start(t, s)
	first.ready()
	status, _ := first.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	first.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
	require.NoError(t, first.stop())
	do(t, sim, join("bob"))

	second := start(t, s)
	natsURL := second.ready()
	second.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":2`)
	do(t, sim, leave("ann"))
	second.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
	assert.Equal(t, []string{"1 joined Ann", "2 joined Bob", "3 left Ann"}, told(t, natsURL))
}

func TestDiscovery(t *testing.T) {
	_, api := simulate(t, `{meetings: [{id: seen, people: [{nick: Ann, visits: [{from: 0s}]}]}, {id: hidden, unlisted: true}]}`)
	s := settings(t, api)
	s.Polling.DiscoveryInterval = 10 * time.Millisecond
	r := start(t, s)
	r.ready()
	r.eventually("/v1/meetings/seen", http.StatusOK, `"activeCount":1`)
	status, _ := r.do(http.MethodGet, "/v1/meetings/hidden", "")
	assert.Equal(t, http.StatusNotFound, status)
}

func TestDiscoveryCanBeOff(t *testing.T) {
	sim, api := simulate(t, `{meetings: [{id: seen}]}`)
	r := start(t, settings(t, api))
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/seen", "")
	require.Equal(t, http.StatusCreated, status)
	require.Eventually(t, func() bool { return sim.Stats().Classes[simulator.ClassMembers].Calls > 0 }, patience, time.Millisecond)
	assert.Zero(t, sim.Stats().Classes[simulator.ClassOrg].Calls)
}

// What was promised is stored, even when the service is told to stop at the same moment.
func TestStopWhileMeetingsAreBegunToBeWatched(t *testing.T) {
	_, api := simulate(t, office)
	s := settings(t, api)
	r := start(t, s)
	r.ready()
	var mu sync.Mutex
	promised := map[string]bool{}
	var clients sync.WaitGroup
	enough := make(chan struct{})
	for c := range 8 {
		clients.Go(func() {
			for i := 0; ; i++ {
				id := fmt.Sprintf("m-%d-%d", c, i)
				status, _ := r.do(http.MethodPut, "/v1/meetings/"+id, "")
				if status == 0 {
					return // the service is gone
				}
				if status != http.StatusCreated {
					assert.Equal(t, http.StatusServiceUnavailable, status)
					continue
				}
				mu.Lock()
				promised[id] = true
				if len(promised) == 50 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	require.NoError(t, r.stop())
	clients.Wait()

	again := start(t, s)
	again.ready()
	_, body := again.do(http.MethodGet, "/v1/meetings", "")
	for id := range promised {
		assert.Contains(t, body, `"`+id+`"`)
	}
}

// What is cut short by the stop is no failure that anybody has to know of.
func TestStopIsQuiet(t *testing.T) {
	sim, api := simulate(t, office)
	for range 10 {
		s := settings(t, api)
		r := start(t, s)
		r.ready()
		status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
		require.Equal(t, http.StatusCreated, status)
		r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
		do(t, sim, join("bob"))
		require.NoError(t, r.stop())
		do(t, sim, leave("bob"))
		assert.NotContains(t, r.log.String(), `"level":"WARN"`)
	}
}

func TestUntilStop(t *testing.T) {
	text := &log{}
	ctx, cancel := context.WithCancel(t.Context())
	r := untilStop{ctx, logging.NewChanges(slog.New(slog.NewTextHandler(text, nil)), logging.ChangesOptions{})}
	r.Failed("nats", errors.New("connection refused"))
	r.OK("nats")
	before := text.String()
	assert.Contains(t, before, "connection refused")
	assert.Contains(t, before, "works again")
	cancel()
	r.Failed("nats", ctx.Err())
	assert.Equal(t, before, text.String())
}

func TestPseudonyms(t *testing.T) {
	sim, api := simulate(t, office)
	s := settings(t, api)
	s.Events.Privacy, s.Events.PrivacyKey = "pseudonym", "privacy key"
	s.Polling.DiscoveryInterval = 10 * time.Millisecond
	require.NoError(t, sim.AddMeeting(simulator.Meeting{ID: "listed", Title: "Listed", People: []simulator.Person{
		{ID: "zara-id", Nick: "Zara Nick", Visits: []simulator.Visit{{}}},
		{ID: "guest-id", Nick: "Guest Nick", Guest: true, Visits: []simulator.Visit{{}}},
	}}))
	r := start(t, s)
	natsURL := r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/listed", http.StatusOK, `"activeCount":2`)
	do(t, sim, join("bob"), join("gus"))
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":3`)
	do(t, sim, leave("gus"), leave("bob"))
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
	// A failing look must not name anybody, either.
	_, err := sim.AddFaults(simulator.Fault{Kind: simulator.FaultTruncated, Calls: []simulator.Class{simulator.ClassMembers}, Next: 3})
	require.NoError(t, err)
	r.eventually("/v1/meetings/office", http.StatusOK, `"failures":0`)

	list, raw := stored(t, natsURL)
	assert.NotEmpty(t, list)
	for _, e := range list {
		if m := e.Member; m != nil {
			assert.Regexp(t, `^[pg]-[0-9a-f]{32}$`, m.UnionID)
			assert.Equal(t, m.UnionID, e.Subject)
			assert.Empty(t, m.UserNick)
		}
	}
	var shown strings.Builder
	for _, path := range []string{"/v1/meetings", "/v1/meetings/office", "/v1/meetings/listed", "/", "/readyz?verbose", "/metrics"} {
		_, body := r.do(http.MethodGet, path, "")
		shown.WriteString(body)
	}
	require.NoError(t, r.stop())
	for where, text := range map[string]string{"the stream": string(raw), "the API": shown.String(), "the log": r.log.String()} {
		for _, never := range []string{
			"zara", "Zara", "guest-id", "Guest Nick", `"Ann"`, `"ann"`, ">Ann<", `"Bob"`, `"bob"`, `"Gus"`, "guest:", "privacy key",
			simulator.DefaultAppSecret,
		} {
			if at := strings.Index(text, never); at >= 0 {
				assert.Failf(t, "somebody is named", "%s holds %q: %.200s", where, never, text[max(at-100, 0):])
			}
		}
	}
	restarted := start(t, s) // the stored states, read again
	natsURL = restarted.ready()
	for _, id := range []string{"office", "listed"} {
		for _, p := range restarted.meeting(id).Roster {
			assert.Regexp(t, `^[pg]-[0-9a-f]{32}$`, p.Person)
			assert.Empty(t, p.UserNick)
		}
	}
	again, _ := stored(t, natsURL)
	assert.Len(t, ofMembers(again), len(ofMembers(list)), "the same people have the same pseudonyms after a restart")
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
