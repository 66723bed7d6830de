package service

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// watched is how a meeting is listed.
type watched struct {
	ConferenceID string
	Owner        string
	ActiveCount  int
	LastLook     *time.Time
}

// lists returns what a replica says is watched.
func (r *running) lists() map[string]watched {
	r.t.Helper()
	status, body := r.do(http.MethodGet, "/v1/meetings", "")
	if status != http.StatusOK {
		return nil
	}
	var list struct{ Meetings []watched }
	require.NoError(r.t, json.Unmarshal([]byte(body), &list))
	out := map[string]watched{}
	for _, m := range list.Meetings {
		out[m.ConferenceID] = m
	}
	assert.Len(r.t, out, len(list.Meetings), "each is listed once")
	return out
}

const offices = 20

// many is a scenario of meetings in which one person is.
func many() string {
	var meetings []string
	for i := range offices {
		meetings = append(meetings, fmt.Sprintf(
			`{id: office%d, title: Office, unlisted: true, people: [{id: ann%d, nick: Ann, visits: [{from: 0s}]}]}`, i, i))
	}
	return "meetings: [" + strings.Join(meetings, ", ") + "]"
}

// replicas starts services on one NATS server.
func replicas(t *testing.T, s config.Settings, n int) []*running {
	t.Helper()
	var out []*running
	for range n {
		s.HTTP.Listen = freeAddress(t)
		r := start(t, s)
		r.ready()
		out = append(out, r)
	}
	return out
}

// shardsOf is how many shards a replica has. The replicas of one process have one name, which does
// not tell them apart.
func shardsOf(r *running) string {
	_, body := r.do(http.MethodGet, "/metrics", "")
	for line := range strings.Lines(body) {
		if value, ok := strings.CutPrefix(line, "rollcall_shards "); ok {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

func TestReplicasShareTheWork(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, many())
	s := external(settings(t, api), broker(t, nil).Addr().String())
	three := replicas(t, s, 3)
	for i := range offices {
		status, body := three[i%3].do(http.MethodPut, fmt.Sprintf("/v1/meetings/office%d", i), "")
		require.Equal(t, http.StatusCreated, status, body)
	}
	complete := func(r *running) bool {
		all := r.lists()
		return len(all) == offices && !slices.ContainsFunc(slices.Collect(maps.Values(all)), func(m watched) bool {
			return m.ActiveCount != 1 || m.LastLook == nil || m.Owner == ""
		})
	}
	for _, r := range three {
		require.Eventually(t, func() bool { return complete(r) }, patience, 5*time.Millisecond, "%v", r.lists())
		require.Eventually(t, func() bool { return !slices.Contains([]string{"", "0", "64"}, shardsOf(r)) }, patience, 5*time.Millisecond)
	}
	require.Eventually(t, func() bool { // perhaps its shard is just changing hands
		status, body := three[0].do(http.MethodGet, "/v1/meetings/office7", "")
		return status == http.StatusOK && strings.Contains(body, `"ann7"`) && strings.Contains(body, `"owner":"`+owner()+`"`)
	}, patience, 5*time.Millisecond)

	// A replica that leaves in order is not missed.
	require.NoError(t, three[0].stop())
	require.NoError(t, three[2].stop())
	last := three[1]
	require.Eventually(t, func() bool { return shardsOf(last) == "64" }, patience, 5*time.Millisecond)
	for i := range offices {
		_, _, err := sim.Do(fmt.Sprintf("office%d", i), history.LiveAction{Do: history.Join, Person: "bob", Nick: "Bob"})
		require.NoError(t, err)
	}
	require.Eventually(t, func() bool {
		all := last.lists()
		return len(all) == offices && !slices.ContainsFunc(slices.Collect(maps.Values(all)), func(m watched) bool { return m.ActiveCount != 2 })
	}, patience, 5*time.Millisecond)
	status, _ := last.do(http.MethodDelete, "/v1/meetings/office3", "")
	assert.Equal(t, http.StatusNoContent, status)
	assert.NotContains(t, last.lists(), "office3")
}

// A replica stops watching a meeting that another one looks at.
func TestAnyReplicaTakesOrders(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, many())
	s := external(settings(t, api), broker(t, nil).Addr().String())
	two := replicas(t, s, 2)
	for i := range offices {
		id := fmt.Sprintf("/v1/meetings/office%d", i)
		status, _ := two[0].do(http.MethodPut, id, "")
		require.Equal(t, http.StatusCreated, status)
		status, _ = two[1].do(http.MethodPut, id, "")
		require.Equal(t, http.StatusOK, status, "it is watched already, whoever looks at it")
	}
	for i := range offices {
		status, body := two[1].do(http.MethodDelete, fmt.Sprintf("/v1/meetings/office%d", i), "")
		require.Equal(t, http.StatusNoContent, status, body)
	}
	for _, r := range two {
		require.Eventually(t, func() bool { return r.lists() != nil && len(r.lists()) == 0 }, patience, 5*time.Millisecond)
	}
}
