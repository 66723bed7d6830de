package service

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/poller/condition"
)

func TestBoard(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var b board
		began := time.Now()
		seen := func(err error) httpapi.Check { return b.note([]httpapi.Check{{Name: "part", Err: err}})[0] }
		time.Sleep(time.Second)
		assert.Equal(t, time.Second, seen(nil).Since.Sub(began))
		time.Sleep(time.Second)
		c := seen(nil)
		assert.Equal(t, time.Second, c.Since.Sub(began))
		assert.Equal(t, 2*time.Second, c.Success.Sub(began))
		time.Sleep(time.Second)
		for range 3 {
			c = seen(errors.New("away"))
			assert.Equal(t, 3*time.Second, c.Since.Sub(began))
			assert.Equal(t, 2*time.Second, c.Success.Sub(began))
			time.Sleep(time.Second)
		}
		assert.Equal(t, 6*time.Second, seen(nil).Since.Sub(began))

		// A part that says itself when it works is taken at its word.
		b.worked("part")
		time.Sleep(time.Minute)
		assert.Equal(t, 6*time.Second, seen(nil).Success.Sub(began))

		// And one may report its state.
		r := b.post("stream", logging.NewChanges(nil, logging.ChangesOptions{}))
		public := func(_, text string) error { return errors.New("publicly: " + text) }
		assert.Equal(t, []httpapi.Check{{Name: "stream"}}, b.said(public))
		r.Failed("stream", errors.New("away"))
		r.OK("stream: of one thing")
		for range 2 { // what was said to everybody is not said of again
			assert.EqualError(t, b.note(b.said(public))[0].Err, "publicly: away")
		}
		r.OK("stream")
		r.Failed("stream: of one thing", errors.New("odd"))
		require.NoError(t, b.said(public)[0].Err)
		assert.Equal(t, time.Now(), b.note(b.said(public))[0].Success)

		// What another replica does neither fails here nor works.
		worked := time.Now()
		r.Failed("stream", errors.New("away"))
		time.Sleep(time.Second)
		r.(condition.Forgetter).Forget("stream")
		require.NoError(t, b.said(public)[0].Err)
		assert.Equal(t, worked, b.note(b.said(public))[0].Success)
	})
}

// TestEverybodyMayReadHowItFares: the errors of the store name meetings.
func TestEverybodyMayReadHowItFares(t *testing.T) {
	t.Parallel()
	g := &gate{refusals: new(conn.Refusals)}
	for area, want := range map[string]string{
		discoveryPart: "commit a meeting; the log says more",
		"nats states": "commit a meeting: no responders; the log says more",
	} {
		err := g.publicly(area, "commit meeting 6321a_-: the server refused: nats: API error: no responders")
		assert.EqualError(t, err, want)
	}
	assert.Equal(t, "state of a meeting at 12: read again: a meeting: gone",
		unnamed("state of meeting 6321a at 12: read again: meeting m: gone"))
	assert.Equal(t, "no meeting is read", unnamed("no meeting is read"))
}

// TestWhatWaitsForNATS: while there is no connection, or no room on the embedded server's disk,
// nothing else is to be mended.
func TestWhatWaitsForNATS(t *testing.T) {
	t.Parallel()
	for why, waits := range map[error]bool{
		errNotConnected:           true,
		errDiskFull:               true,
		embedded.ErrStuck:         true,
		errors.New("no right to"): false,
	} {
		checks := []httpapi.Check{{Name: storeArea, Err: fmt.Errorf("data: %w", why)}, {Name: "leases", Err: errors.New("timed out")}}
		followStore(checks)
		assert.Equal(t, waits, errors.Is(checks[1].Err, errWaits), "%v", why)
	}
}

// line returns what is said of a part.
func line(body, part string) string {
	for l := range strings.Lines(body) {
		if strings.HasPrefix(l, "[+] "+part) || strings.HasPrefix(l, "[-] "+part) {
			return strings.TrimSpace(l)
		}
	}
	return ""
}

// timeIn is the time after some words in a line.
func timeIn(t *testing.T, line, words string) time.Time {
	t.Helper()
	found := regexp.MustCompile(words + ` (\S+Z)`).FindStringSubmatch(line)
	require.NotNil(t, found, "%q in %q", words, line)
	at, err := time.Parse(time.RFC3339, found[1])
	require.NoError(t, err)
	return at
}

// TestReadyTellsOfEveryPart names all that there is, also what works, and of NATS when it was lost,
// the last commit and what to do.
func TestReadyTellsOfEveryPart(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	proxy := faultproxy.Start(t, broker(t, nil).Addr().String())
	s := external(settings(t, api), proxy.Addr())
	s.HTTP.APIToken = "a token that nobody guesses"
	s.Polling.DiscoveryInterval = 100 * time.Millisecond
	r := start(t, s)
	began := time.Now()
	r.ready()
	full := r.eventually("/readyz?verbose", http.StatusOK, "[+] discovery ok, since")
	for _, part := range []string{
		"nats", "meetings", "stream", "leases", "replicas", "month's calls", "dingtalk", "dingtalk information", "dingtalk limit",
		"meetings read", "discovery",
	} {
		l := line(full, part+" ok, since")
		require.NotEmpty(t, l, "%s in %s", part, full)
		assert.WithinDuration(t, began, timeIn(t, l, "since"), patience)
	}
	authorised := &running{t: t, base: r.base, token: s.HTTP.APIToken.Reveal()}
	status, body := authorised.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status, body)
	_, err := sim.AddFaults(fault.Fault{Kind: fault.Denied, Calls: []fault.Class{fault.ClassMembers, fault.ClassInfo}})
	require.NoError(t, err)
	open := r.eventually("/readyz?verbose", http.StatusOK, "[-] meetings read: 1 cannot be read")
	assert.NotContains(t, open, "office")
	assert.Contains(t, line(open, "meetings read"), "what to do: ")
	_, body = authorised.do(http.MethodGet, "/readyz?verbose", "")
	assert.Regexp(t, `\n    meeting: office: \S+`, body)

	lost := time.Now().Truncate(time.Second)
	proxy.Refuse(true)
	proxy.Cut()
	body = r.eventually("/readyz?verbose", http.StatusServiceUnavailable, "[-] nats: ")
	l := line(body, "nats")
	assert.False(t, timeIn(t, l, "since").Before(lost), l)
	assert.False(t, timeIn(t, l, "last success").After(timeIn(t, l, "since")), l)
	assert.Contains(t, l, "what to do: see that the NATS server runs")
	for _, part := range []string{"leases", "replicas"} {
		r.eventually("/readyz?verbose", http.StatusServiceUnavailable, "[-] "+part+": waits for NATS")
	}
	proxy.Refuse(false)
	r.eventually("/readyz?verbose", http.StatusOK, "[+] nats ok")
}
