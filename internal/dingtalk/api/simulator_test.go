package api

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
	"github.com/c4342123/rollcall/internal/testing/pipe"
	"github.com/c4342123/rollcall/poller"
)

const simulated = 250 // people, on three pages

// simulate serves a meeting "m" of many people, also in a bubble.
func simulate(t *testing.T, settings simulator.Settings) (*simulator.Simulator, *Client) {
	t.Helper()
	people := make([]history.Person, simulated)
	for i := range people {
		people[i] = history.Person{
			UnionID: fmt.Sprint("u", i), Nick: fmt.Sprint("N", i),
			Visits: []history.Visit{{From: history.Duration(-time.Minute)}},
		}
	}
	settings.PageCap = 100
	sim, err := simulator.New(simulator.Options{Scenario: &simulator.Scenario{
		Settings: settings,
		Meetings: []history.Plan{{ID: "m", Title: "T", Start: history.Duration(-time.Hour), People: people}},
	}})
	require.NoError(t, err)
	listener := pipe.Listen()
	server := &httptest.Server{Listener: listener, Config: &http.Server{Handler: sim.Handler()}}
	server.Start()
	t.Cleanup(server.Close)
	c, err := New(Options{
		BaseURL: server.URL, AppKey: simulator.DefaultAppKey, AppSecret: simulator.DefaultAppSecret,
	})
	require.NoError(t, err)
	c.retryPause = time.Millisecond
	c.transport.DialContext = listener.Dial
	t.Cleanup(c.Close)
	return sim, c
}

func TestAgainstTheSimulator(t *testing.T) {
	sim, c := simulate(t, simulator.Settings{})
	whole(t, c)
	info, err := c.Info(t.Context(), "m")
	require.NoError(t, err)
	assert.Equal(t, "T", info.Title)
	assert.Equal(t, simulated, info.ActiveCount)
	assert.False(t, info.Ended)
	list, err := c.OngoingMeetings(t.Context())
	require.NoError(t, err)
	require.Len(t, list.Meetings, 1)
	assert.Equal(t, "m", list.Meetings[0].ConferenceID)
	_, err = c.Members(t.Context(), "other")
	assert.Equal(t, poller.NotFound, trouble(t, err).Trouble)
	assert.NotEmpty(t, sim.Truth().Meetings)
}

// whole looks at the meeting and finds everybody.
func whole(t *testing.T, c *Client) {
	t.Helper()
	list, err := c.Members(t.Context(), "m")
	require.NoError(t, err)
	assert.True(t, list.Certain)
	require.Len(t, list.Rows, simulated)
	seen := make(map[string]bool)
	for _, row := range list.Rows {
		seen[row.UnionID] = true
		assert.Equal(t, diff.StatusActive, row.Status)
	}
	assert.Len(t, seen, simulated)
}

// simulatedFaults says what becomes of a look during every fault there is: an error, or a list.
var simulatedFaults = map[fault.Kind]struct {
	fails     bool
	trouble   poller.Trouble
	rows      int
	uncertain bool
}{
	fault.QPSApp:      {fails: true, trouble: poller.Throttled},
	fault.QPMApp:      {fails: true, trouble: poller.Throttled},
	fault.QPSAPI:      {fails: true, trouble: poller.Throttled},
	fault.QPSSuite:    {fails: true, trouble: poller.Throttled},
	fault.Quota:       {fails: true, trouble: poller.Exhausted},
	fault.Busy:        {fails: true, trouble: poller.Throttled},
	fault.SystemError: {fails: true, trouble: poller.Unavailable},
	fault.NotFound:    {fails: true, trouble: poller.NotFound},
	fault.Denied:      {fails: true, trouble: poller.Denied},
	fault.ParamError:  {fails: true, trouble: poller.Denied},
	fault.MissingRoom: {fails: true, trouble: poller.Denied},
	fault.BadToken:    {fails: true, trouble: poller.Unavailable},
	fault.ExpireToken: {fails: true, trouble: poller.Unavailable},
	fault.HTML:        {fails: true, trouble: poller.Unavailable},
	fault.Block:       {fails: true, trouble: poller.Throttled},
	fault.Empty:       {fails: true, trouble: poller.Unavailable},
	fault.OtherJSON:   {fails: true, trouble: poller.Unavailable},
	fault.Huge:        {fails: true, trouble: poller.Unavailable},
	fault.Hang:        {fails: true, trouble: poller.Unavailable},
	fault.Reset:       {fails: true, trouble: poller.Unavailable},
	fault.Truncated:   {fails: true, trouble: poller.Unavailable},
	fault.Cut:         {fails: true, trouble: poller.Unavailable},
	fault.Gzip:        {fails: true, trouble: poller.Unavailable},
	fault.Delay:       {fails: true, trouble: poller.Unavailable},

	fault.ContentType:   {rows: simulated},
	fault.RepeatToken:   {rows: 100, uncertain: true},
	fault.IgnoredCursor: {rows: 100, uncertain: true},
	fault.EndlessCursor: {rows: simulated},
	fault.LastToken:     {rows: simulated},
	fault.LastObject:    {rows: simulated},
	fault.ZeroToken:     {rows: 100, uncertain: true},
	fault.MissingToken:  {rows: 100, uncertain: true},
	fault.WrongTotal:    {rows: simulated, uncertain: true},
	fault.MissingRows:   {rows: -1, uncertain: true},
	fault.Shuffle:       {rows: simulated},
	fault.UnknownStatus: {rows: simulated},
	fault.UnknownFields: {rows: simulated},
	fault.MissingFields: {rows: simulated},
	fault.InvalidUTF8:   {rows: simulated},
}

func TestEveryFaultOfTheSimulator(t *testing.T) {
	for _, name := range fault.Kinds() {
		kind := fault.Kind(name)
		if strings.HasPrefix(name, "push-") || strings.HasPrefix(name, "stream-") || strings.HasPrefix(name, "robot-") {
			continue // of what the platform sends by itself, or of its robots
		}
		want, known := simulatedFaults[kind]
		require.True(t, known, "what is to become of a look during %s?", kind)
		t.Run(name, timeless(func(t *testing.T) {
			sim, c := simulate(t, simulator.Settings{})
			whole(t, c)
			_, err := sim.AddFaults(fault.Fault{
				Kind: kind, Calls: []fault.Class{fault.ClassMembers}, Delay: history.Duration(time.Minute),
			})
			require.NoError(t, err)
			list, err := c.Members(t.Context(), "m")
			if want.fails {
				assert.Equal(t, want.trouble.String(), trouble(t, err).Trouble.String())
				assert.Empty(t, list.Rows)
			} else {
				require.NoError(t, err)
				assert.Equal(t, want.uncertain, !list.Certain)
				if want.rows >= 0 {
					assert.Len(t, list.Rows, want.rows)
				}
			}
			sim.ClearFaults()
			whole(t, c) // as if nothing had been
		}))
	}
}

func TestTokensOfTheSimulatorRunOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sim, c := simulate(t, simulator.Settings{})
		for range 5 {
			_, err := sim.AddFaults(fault.Fault{
				Kind: fault.ExpireToken, Calls: []fault.Class{fault.ClassMembers}, Next: 1,
			})
			require.NoError(t, err)
			whole(t, c)
		}
		assert.EqualValues(t, 6, c.Stats().TokenRequests)
	})
}

func TestAWrongSecretAtTheSimulator(t *testing.T) {
	_, good := simulate(t, simulator.Settings{})
	bad, err := New(Options{BaseURL: good.base, AppKey: simulator.DefaultAppKey, AppSecret: testSecret})
	require.NoError(t, err)
	bad.transport.DialContext = good.transport.DialContext
	defer bad.Close()
	err = bad.CheckToken(t.Context())
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, KindCredentials, e.Kind)
	assert.Equal(t, "invalidClientIdOrSecret", e.Code)
}

func TestWhateverTheSimulatorsTotalCounts(t *testing.T) {
	for _, counts := range []string{"rows", "people", "present"} {
		t.Run(counts, func(t *testing.T) {
			_, c := simulate(t, simulator.Settings{TotalCount: counts, ShortPages: 0.5, EmptyLastToken: true})
			whole(t, c)
		})
	}
}
