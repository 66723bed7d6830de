package simulator

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

func queryEscaped(text string) string { return url.QueryEscape(text) }

func TestControlTruth(t *testing.T) {
	s, clock := play(t, quiet)
	r := serve(t, s)
	clock.at(40 * time.Second)
	var truth history.Truth
	r.get("/_sim/truth").into(&truth)
	assert.Equal(t, s.Truth(), truth)
	r.get("/_sim/truth?meeting=m").into(&truth)
	assert.Equal(t, s.Truth(), truth)
	assert.Equal(t, s.Truth().String(), string(r.get("/_sim/truth?format=text").body))
	truth = history.Truth{}
	require.NoError(t, yaml.Unmarshal(r.get("/_sim/truth?format=yaml").body, &truth))
	assert.Equal(t, s.Truth(), truth)
	assert.Equal(t, 400, r.get("/_sim/truth?format=xml").status)
	assert.Equal(t, 404, r.get("/_sim/truth?meeting=later").status)
}

func TestControlStateAndStats(t *testing.T) {
	s, clock := play(t, quiet)
	r := serve(t, s)
	clock.at(10 * time.Second)
	var state State
	r.get("/_sim/state").into(&state)
	assert.Equal(t, State{
		At: epoch + 10_000, Start: epoch, Speed: 1, Seed: 1, Waiting: 1, Faults: []fault.Fault{},
		Meetings: []history.MeetingState{{
			ConferenceID: "m", StartTime: epoch, Rejoin: history.AddRow, DeviceRows: history.RowPerDevice, Rows: 1, Actions: 1, Planned: 2, Present: 1,
			People: []history.PersonState{
				{ID: "Ann", UnionID: "Ann", Nick: "Ann", Devices: []string{"desktop"}},
				{ID: "Bob", UnionID: "Bob", Nick: "Bob", Devices: []string{}},
			},
		}},
	}, state)
	r.get(members)
	var stats Stats
	r.get("/_sim/stats").into(&stats)
	assert.Equal(t, s.Stats(), stats)
	assert.Equal(t, uint64(2), stats.Total.Calls, "control calls are not counted")
}

func TestControlFaults(t *testing.T) {
	s, _ := play(t, quiet)
	r := serve(t, s)
	var faults []fault.Fault
	res := r.do("POST", "/_sim/faults", []byte(`{"kind":"busy","calls":["members"],"next":2,"retryAfter":3}`))
	require.Equal(t, http.StatusCreated, res.status, "%s", res.body)
	require.NoError(t, json.Unmarshal(res.body, &faults))
	assert.Equal(t, []fault.Fault{{ID: 1, Kind: fault.Busy, Calls: []fault.Class{fault.ClassMembers}, Next: 2, RetryAfter: 3}}, faults)
	res = r.do("POST", "/_sim/faults", []byte("- kind: delay\n  delay: 5ms\n- {kind: html, probability: 0.5}"))
	require.Equal(t, http.StatusCreated, res.status, "%s", res.body)
	r.get("/_sim/faults").into(&faults)
	assert.Len(t, faults, 3)
	assert.Equal(t, history.Duration(5*time.Millisecond), faults[1].Delay)
	assert.Equal(t, http.StatusNoContent, r.do("DELETE", "/_sim/faults", nil).status)
	assert.Empty(t, s.Faults())
}

func TestControlMeetingAndActions(t *testing.T) {
	s, clock := play(t, quiet)
	r := serve(t, s)
	plan := `{"title":"Live","rejoin":"add","people":[{"nick":"Ann","visits":[{"from":"1s","to":"1m"}]}]}`
	res := r.do("PUT", "/_sim/meetings/live", []byte(plan))
	require.Equal(t, http.StatusCreated, res.status, "%s", res.body)
	clock.at(2 * time.Second)
	var reply ActionsReply
	r.do("POST", "/_sim/meetings/live/actions", []byte(`{"do":"kick","person":"Ann"}`)).into(&reply)
	assert.Equal(t, epoch+2_000, reply.Done[0].At)
	assert.Equal(t, []history.Action{{At: epoch + 60_000, Do: history.Leave, Person: "Ann", Device: "desktop"}}, reply.Dropped)
	r.do("POST", "/_sim/meetings/live/actions", []byte(`[{"do":"join","person":"gil","nick":"Gil","guest":true},{"do":"end"}]`)).into(&reply)
	assert.Equal(t, []history.Action{}, reply.Dropped)
	assert.Equal(t, []string{"Ann 5 1 2", "Gil 6 2 2.001"}, list(s, "live"))
}

func TestControlRefusesWhatMakesNoSense(t *testing.T) {
	s, _ := play(t, quiet)
	r := serve(t, s)
	tests := map[string]struct {
		method, path, body string
		status             int
		want               string
	}{
		"an unknown fault":        {"POST", "/_sim/faults", `{"kind":"fire"}`, 400, "no such kind"},
		"an unknown key":          {"POST", "/_sim/faults", `{"kind":"busy","probabilty":1}`, 400, "line 1: unknown key probabilty"},
		"no faults":               {"POST", "/_sim/faults", `[]`, 400, "the list is empty"},
		"no JSON":                 {"POST", "/_sim/faults", `{`, 400, "invalid scenario"},
		"nothing":                 {"POST", "/_sim/faults", ``, 400, "it is empty"},
		"a meeting that is there": {"PUT", "/_sim/meetings/m", `{}`, 409, "already"},
		"a meeting without sense": {"PUT", "/_sim/meetings/new", `{end: -5s}`, 400, "end (-5s) is not after start"},
		"another meeting's id":    {"PUT", "/_sim/meetings/new", `{"id":"old"}`, 400, `the path names meeting "new", the body "old"`},
		"a bad id":                {"PUT", "/_sim/meetings/a.b", `{}`, 400, "the id is not 1 to 128"},
		"no such meeting":         {"POST", "/_sim/meetings/new/actions", `{"do":"end"}`, 404, "no such meeting"},
		"an impossible action":    {"POST", "/_sim/meetings/m/actions", `{"do":"leave","person":"Bob"}`, 400, "is not in the meeting"},
		"a wrong type":            {"POST", "/_sim/meetings/m/actions", `{"do":"end","at":"noon"}`, 400, "line 1"},
		"a list for a text":       {"POST", "/_sim/meetings/m/actions", `{"do":["end"]}`, 400, "a list where none is wanted"},
		"too much":                {"POST", "/_sim/faults", strings.Repeat(" ", maxScenarioBytes+1), 413, "too large"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			res := r.do(test.method, test.path, []byte(test.body))
			assert.Equal(t, test.status, res.status, "%s", res.body)
			var e struct{ Error string }
			require.NoError(t, json.Unmarshal(res.body, &e))
			assert.Contains(t, e.Error, test.want)
			assert.NotContains(t, e.Error, "unmarshal")
		})
	}
	assert.Empty(t, s.Faults())
	assert.Equal(t, []string{"later", "m"}, s.MeetingIDs())
}

func TestServe(t *testing.T) {
	s, _ := play(t, quiet, func(o *Options) {
		o.Faults = []fault.Fault{{Kind: fault.Hang, Calls: []fault.Class{fault.ClassMembers}}}
	})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, ln) }()
	r := &remote{t: t, sim: s, url: "http://" + ln.Addr().String(), client: &http.Client{Transport: new(http.Transport)}}
	defer r.client.CloseIdleConnections()
	assert.Equal(t, 200, r.get("/_sim/state").status)

	hanging := make(chan error, 1)
	go func() {
		_, err := r.try("GET", members, nil)
		hanging <- err
	}()
	require.Eventually(t, func() bool { return s.Stats().Faults[fault.Hang] == 1 }, patience, time.Millisecond)
	cancel()
	require.NoError(t, <-served, "a call that hangs does not stop it from stopping")
	require.Error(t, <-hanging)

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	require.ErrorIs(t, s.Serve(t.Context(), closed), net.ErrClosed)
}
