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
	"github.com/c4342123/rollcall/internal/testing/pipe"
	"github.com/c4342123/rollcall/poller"
)

const simulated = 250 // people, on three pages

// simulate serves a meeting "m" of many people, also in a bubble.
func simulate(t *testing.T, settings simulator.Settings) (*simulator.Simulator, *Client) {
	t.Helper()
	people := make([]simulator.Person, simulated)
	for i := range people {
		people[i] = simulator.Person{
			UnionID: fmt.Sprint("u", i), Nick: fmt.Sprint("N", i),
			Visits: []simulator.Visit{{From: simulator.Duration(-time.Minute)}},
		}
	}
	settings.PageCap = 100
	sim, err := simulator.New(simulator.Options{Scenario: &simulator.Scenario{
		Settings: settings,
		Meetings: []simulator.Meeting{{ID: "m", Title: "T", Start: simulator.Duration(-time.Hour), People: people}},
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
var simulatedFaults = map[simulator.FaultKind]struct {
	fails     bool
	trouble   poller.Trouble
	rows      int
	uncertain bool
}{
	simulator.FaultQPSApp:      {fails: true, trouble: poller.Throttled},
	simulator.FaultQPMApp:      {fails: true, trouble: poller.Throttled},
	simulator.FaultQPSAPI:      {fails: true, trouble: poller.Throttled},
	simulator.FaultQPSSuite:    {fails: true, trouble: poller.Throttled},
	simulator.FaultQuota:       {fails: true, trouble: poller.Exhausted},
	simulator.FaultBusy:        {fails: true, trouble: poller.Throttled},
	simulator.FaultSystemError: {fails: true, trouble: poller.Unavailable},
	simulator.FaultNotFound:    {fails: true, trouble: poller.NotFound},
	simulator.FaultDenied:      {fails: true, trouble: poller.Denied},
	simulator.FaultParamError:  {fails: true, trouble: poller.Denied},
	simulator.FaultMissingRoom: {fails: true, trouble: poller.Denied},
	simulator.FaultBadToken:    {fails: true, trouble: poller.Unavailable},
	simulator.FaultExpireToken: {fails: true, trouble: poller.Unavailable},
	simulator.FaultHTML:        {fails: true, trouble: poller.Unavailable},
	simulator.FaultBlock:       {fails: true, trouble: poller.Throttled},
	simulator.FaultEmpty:       {fails: true, trouble: poller.Unavailable},
	simulator.FaultOtherJSON:   {fails: true, trouble: poller.Unavailable},
	simulator.FaultHuge:        {fails: true, trouble: poller.Unavailable},
	simulator.FaultHang:        {fails: true, trouble: poller.Unavailable},
	simulator.FaultReset:       {fails: true, trouble: poller.Unavailable},
	simulator.FaultTruncated:   {fails: true, trouble: poller.Unavailable},
	simulator.FaultCut:         {fails: true, trouble: poller.Unavailable},
	simulator.FaultGzip:        {fails: true, trouble: poller.Unavailable},
	simulator.FaultDelay:       {fails: true, trouble: poller.Unavailable},

	simulator.FaultContentType:   {rows: simulated},
	simulator.FaultRepeatToken:   {rows: 100, uncertain: true},
	simulator.FaultIgnoredCursor: {rows: 100, uncertain: true},
	simulator.FaultEndlessCursor: {rows: simulated},
	simulator.FaultLastToken:     {rows: simulated},
	simulator.FaultLastObject:    {rows: simulated},
	simulator.FaultZeroToken:     {rows: 100, uncertain: true},
	simulator.FaultMissingToken:  {rows: 100, uncertain: true},
	simulator.FaultWrongTotal:    {rows: simulated, uncertain: true},
	simulator.FaultMissingRows:   {rows: -1, uncertain: true},
	simulator.FaultShuffle:       {rows: simulated},
	simulator.FaultUnknownStatus: {rows: simulated},
	simulator.FaultUnknownFields: {rows: simulated},
	simulator.FaultMissingFields: {rows: simulated},
	simulator.FaultInvalidUTF8:   {rows: simulated},
}

func TestEveryFaultOfTheSimulator(t *testing.T) {
	for _, name := range simulator.FaultKinds() {
		kind := simulator.FaultKind(name)
		if strings.HasPrefix(name, "push-") || strings.HasPrefix(name, "stream-") || strings.HasPrefix(name, "robot-") {
			continue // of what the platform sends by itself, or of its robots
		}
		want, known := simulatedFaults[kind]
		require.True(t, known, "what is to become of a look during %s?", kind)
		t.Run(name, timeless(func(t *testing.T) {
			sim, c := simulate(t, simulator.Settings{})
			whole(t, c)
			_, err := sim.AddFaults(simulator.Fault{
				Kind: kind, Calls: []simulator.Class{simulator.ClassMembers}, Delay: simulator.Duration(time.Minute),
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
			_, err := sim.AddFaults(simulator.Fault{
				Kind: simulator.FaultExpireToken, Calls: []simulator.Class{simulator.ClassMembers}, Next: 1,
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
