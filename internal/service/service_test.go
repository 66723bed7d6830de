package service

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// office is a meeting in which nothing happens but what a test does. No list of the organisation
// names it.
const office = `{meetings: [{id: office, title: Office hours, unlisted: true, people: [
	{id: ann, nick: Ann, host: true, visits: [{from: 0s}]}, {id: bob, nick: Bob}, {id: gus, nick: Gus, guest: true}]}]}`

func do(t *testing.T, sim *simulator.Simulator, actions ...history.LiveAction) {
	t.Helper()
	_, _, err := sim.Do("office", actions...)
	require.NoError(t, err)
}

func join(person string) history.LiveAction {
	return history.LiveAction{Do: history.Join, Person: person}
}

func leave(person string) history.LiveAction {
	return history.LiveAction{Do: history.Leave, Person: person}
}

func TestEndToEnd(t *testing.T) {
	t.Parallel()
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
	do(t, sim, leave("bob"), history.LiveAction{Do: history.Kick, Person: "gus"})
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

	m := r.meeting("office")
	assert.Equal(t, "watched", m.State)
	assert.Equal(t, uint64(5), m.Sequence)
	assert.Len(t, m.Roster, 3)
	r.eventually("/v1/meetings/office/report?format=table", http.StatusOK, "Ann")

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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
	sim, api := simulate(t, `{meetings: [{id: seen}]}`)
	r := start(t, settings(t, api))
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/seen", "")
	require.Equal(t, http.StatusCreated, status)
	require.Eventually(t, func() bool { return sim.Stats().Classes[fault.ClassMembers].Calls > 0 }, patience, time.Millisecond)
	assert.Zero(t, sim.Stats().Classes[fault.ClassOrg].Calls)
}
