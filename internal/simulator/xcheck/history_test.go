// Package xcheck_test holds the comparison of member lists against the simulator's truth. The two
// were written apart and share nothing but the meetings: what the comparison finds out from lists
// and pushes has to be what really happened.
package xcheck_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

const (
	fixedToken = "fixed"
	start      = int64(1_700_000_000_000) // Unix milliseconds
	// gap is the least time between two things one person does; nobody looks less often, so that
	// nothing is missed even where a list forgets.
	gap     = 3 * time.Second
	maxLook = 2400 * time.Millisecond
	length  = 2 * time.Minute
)

// kind is what DingTalk leaves open, and how much happens.
type kind struct {
	rejoin     history.Rejoin
	deviceRows history.DeviceRows
	atEnd      history.AtEnd
	devices    float64
}

func (k kind) String() string {
	return fmt.Sprintf("rejoin %s, rows %s, at end %s, devices %v", k.rejoin, k.deviceRows, k.atEnd, k.devices)
}

func kinds() (out []kind) {
	for _, rejoin := range []history.Rejoin{history.ResetRow, history.AddRow} {
		for _, rows := range []history.DeviceRows{history.RowPerDevice, history.OneRow} {
			for _, atEnd := range []history.AtEnd{history.CloseRows, history.LeaveRowsOpen} {
				for _, devices := range []float64{0, 0.5} {
					out = append(out, kind{rejoin, rows, atEnd, devices})
				}
			}
		}
	}
	return out
}

// watched is one meeting as somebody sees it who only looks.
type watched struct {
	t       *testing.T
	sim     *simulator.Simulator
	handler http.Handler
	id      string
	clock   *atomic.Int64 // Unix milliseconds
	rng     *rand.Rand    // decides when to look
	state   *diff.State
	found   []string
}

// newWatched makes a random meeting. The options are changed by each of the functions.
func newWatched(t *testing.T, k kind, seed uint64, change ...func(*simulator.Options)) *watched {
	t.Helper()
	meetings, err := history.Generate{
		Meetings: 1, People: 6, Length: history.Duration(length), Visits: 4, Gap: history.Duration(gap),
		Devices: k.devices, Kicks: 0.2, Calls: 0.3, Absentees: 0.1, Guests: 0.2, Outer: 0.2, Rejoin: k.rejoin,
	}.Plans(seed)
	require.NoError(t, err)
	meetings[0].DeviceRows, meetings[0].AtEnd = k.deviceRows, k.atEnd
	h := &watched{t: t, id: meetings[0].ID, clock: new(atomic.Int64), rng: rand.New(rand.NewPCG(seed, 99)), state: diff.New(meetings[0].ID)}
	h.clock.Store(start)
	o := simulator.Options{
		Scenario: &simulator.Scenario{Meetings: append(meetings, history.Plan{ID: marker})}, Seed: seed,
		Now:      func() time.Time { return time.UnixMilli(h.clock.Load()) },
		Settings: simulator.Settings{AccessToken: fixedToken, PageCap: 12, ShortPages: 0.2},
	}
	for _, f := range change {
		f(&o)
	}
	h.sim, err = simulator.New(o)
	require.NoError(t, err)
	h.handler = h.sim.Handler()
	return h
}

// pass lets some time pass, up to a part of what may pass between two looks, and says whether the
// meeting is over then.
func (h *watched) pass(parts int64) bool {
	return h.clock.Add(100+h.rng.Int64N(maxLook.Milliseconds()/parts)) >= start+length.Milliseconds()
}

// member is a row of a member list.
type member struct {
	UnionID        string `json:"unionId"`
	UserNick       string `json:"userNick"`
	JoinTime       int64  `json:"joinTime"`
	LeaveTime      int64  `json:"leaveTime"`
	AttendStatus   int    `json:"attendStatus"`
	Host           bool   `json:"host"`
	CoHost         bool   `json:"coHost"`
	OuterOrgMember bool   `json:"outerOrgMember"`
	PSTNJoin       bool   `json:"pstnJoin"`
}

// list reads the whole member list.
func (h *watched) list() (rows []diff.Row) {
	h.t.Helper()
	for token := ""; ; {
		r := httptest.NewRequest(http.MethodGet, "/v1.0/conference/videoConferences/"+h.id+"/members?nextToken="+url.QueryEscape(token), nil)
		r.Header.Set("x-acs-dingtalk-access-token", fixedToken)
		w := httptest.NewRecorder()
		h.handler.ServeHTTP(w, r)
		require.Equal(h.t, http.StatusOK, w.Code, "%s", w.Body)
		var page struct {
			MemberModels []member
			NextToken    string
		}
		require.NoError(h.t, json.Unmarshal(w.Body.Bytes(), &page))
		for _, m := range page.MemberModels {
			rows = append(rows, diff.Row{
				UnionID: m.UnionID, UserNick: m.UserNick, JoinTime: m.JoinTime, LeaveTime: m.LeaveTime, Status: m.AttendStatus,
				Host: m.Host, CoHost: m.CoHost, OuterOrgMember: m.OuterOrgMember, PSTNJoin: m.PSTNJoin,
			})
		}
		if token = page.NextToken; token == "" {
			return rows
		}
	}
}

// look compares the member list as it is now.
func (h *watched) look(over bool) {
	h.t.Helper()
	now := h.clock.Load()
	snap := diff.Snapshot{Rows: h.list(), From: now, At: now, Via: events.ViaPoll, Over: over}
	if over {
		snap.EndTime = start + length.Milliseconds()
	}
	h.compare(snap)
}

func (h *watched) compare(snap diff.Snapshot) {
	result := diff.Compare(h.state, snap)
	h.state = result.State
	for _, e := range result.Events {
		if e.Member != nil {
			verb := strings.TrimPrefix(string(e.Type), "conference.member.")
			h.found = append(h.found, fmt.Sprintf("%d %s %s|%s", e.Time.UnixMilli(), verb, e.Member.UnionID, e.Member.UserNick))
		}
	}
}

// differences lists what was found and did not happen (+), and what happened and was not found (-).
func (h *watched) differences() (out []string) {
	truth, ok := h.sim.Truth().Meeting(h.id)
	require.True(h.t, ok)
	count := map[string]int{}
	for _, e := range h.found {
		count[e]++
	}
	for _, e := range truth.Events {
		count[fmt.Sprintf("%d %s %s|%s", e.At, e.Event, e.UnionID, e.Nick)]--
	}
	for e, n := range count {
		if n != 0 {
			out = append(out, fmt.Sprintf("%+d: %s", n, e))
		}
	}
	slices.SortFunc(out, func(a, b string) int { return cmp.Compare(a[strings.Index(a, ":"):], b[strings.Index(b, ":"):]) })
	return out
}
