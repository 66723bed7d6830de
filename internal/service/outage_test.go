//go:build unix

package service

import (
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// few is within how many seconds a request is answered that waits for a store which fails.
const few = 8 * time.Second

// process starts a NATS server in a process of its own, and returns where it listens.
func process(t *testing.T, dir string) (*child.Child, string) {
	t.Helper()
	child := child.Start(t, childDir+"="+dir)
	return child, strings.TrimPrefix(child.Line(t), "nats://")
}

// reports counts the lines of the log with that message about the store.
func (r *running) reports(message string) (n int) {
	for line := range strings.Lines(r.log.String()) {
		if strings.Contains(line, `"msg":"`+message) && strings.Contains(line, `"what":"nats"`) {
			n++
		}
	}
	return n
}

// toldOnce makes sure that one outage was logged when it began and when it ended, in words that
// mean something.
func (r *running) toldOnce() {
	r.t.Helper()
	assert.Equal(r.t, 1, r.reports("failing"), "%s", r.log)
	assert.Equal(r.t, 1, r.reports("works again"), "%s", r.log)
	assert.NotContains(r.t, r.log.String(), "outbound buffer")
}

// refuses asks for a meeting to be watched, and returns why that cannot be.
func (r *running) refuses(id string) string {
	r.t.Helper()
	began := time.Now()
	status, body := r.do(http.MethodPut, "/v1/meetings/"+id, "")
	assert.Equal(r.t, http.StatusServiceUnavailable, status, body)
	assert.Less(r.t, time.Since(began), few)
	assert.NotContains(r.t, body, "outbound buffer")
	return body
}

// TestServerThatStandsStill is frozen until the connection to it is given up, and thawed.
func TestServerThatStandsStill(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	child, address := process(t, disk.Fast(t))
	r := start(t, external(settings(t, api), address))
	natsURL := r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

	require.NoError(t, child.Process.Signal(syscall.SIGSTOP))
	r.eventually("/readyz", http.StatusServiceUnavailable, "[-] nats: ")
	assert.Contains(t, r.refuses("other"), "NATS server")
	r.eventually("/readyz", http.StatusServiceUnavailable, "not connected")
	assert.Contains(t, r.refuses("other"), "not connected")
	assert.Zero(t, r.reports("works again"))
	require.NoError(t, child.Process.Signal(syscall.SIGCONT))
	r.eventually("/readyz", http.StatusOK, "ready")
	r.toldOnce()
	assert.Equal(t, []string{"1 joined Ann"}, told(t, natsURL))
}

// TestServerThatIsKilled comes back with what it had stored.
func TestServerThatIsKilled(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	dir := disk.Fast(t)
	child, address := process(t, dir)
	proxy := faultproxy.Start(t, address)
	r := start(t, external(settings(t, api), proxy.Addr()))
	natsURL := r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

	child.Kill()
	r.eventually("/readyz", http.StatusServiceUnavailable, "not connected")
	do(t, sim, join("bob"))
	assert.Contains(t, r.refuses("other"), "not connected")
	_, body := r.do(http.MethodGet, "/v1/meetings/office/report", "")
	assert.NotContains(t, body, "outbound buffer")
	assert.Zero(t, r.reports("works again"))
	_, address = process(t, dir)
	proxy.SetTarget(address)
	r.eventually("/readyz", http.StatusOK, "ready")
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":2`)
	r.toldOnce()
	assert.Equal(t, []string{"1 joined Ann", "2 joined Bob"}, told(t, natsURL))
}

// TestStreamThatIsFull has reached a limit that an operator has set: that is said at once and until
// there is room, and nothing flickers, neither where nothing fits any more nor where what is small
// does.
func TestStreamThatIsFull(t *testing.T) {
	t.Parallel()
	for name, limit := range map[string]func(*jetstream.StreamConfig, jetstream.StreamState){
		"maximum bytes":            func(c *jetstream.StreamConfig, s jetstream.StreamState) { c.MaxBytes = int64(s.Bytes) },
		"maximum bytes, nearly":    func(c *jetstream.StreamConfig, s jetstream.StreamState) { c.MaxBytes = int64(s.Bytes) + 1800 },
		"maximum messages":         func(c *jetstream.StreamConfig, s jetstream.StreamState) { c.MaxMsgs = int64(s.Msgs) },
		"maximum messages, nearly": func(c *jetstream.StreamConfig, s jetstream.StreamState) { c.MaxMsgs = int64(s.Msgs) + 1 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sim, api := simulate(t, office)
			_, address := process(t, disk.Fast(t))
			r := start(t, external(settings(t, api), address))
			natsURL := r.ready()
			status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
			require.Equal(t, http.StatusCreated, status)
			r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)
			edit(t, natsURL, limit)

			what, _, _ := strings.Cut(name, ",")
			do(t, sim, join("bob"))
			r.eventually("/readyz", http.StatusServiceUnavailable, what+" exceeded")
			r.stays(http.StatusServiceUnavailable, 4*time.Second)
			if name == what {
				assert.Contains(t, r.refuses("other"), what+" exceeded")
			}
			edit(t, natsURL, func(c *jetstream.StreamConfig, _ jetstream.StreamState) { c.MaxBytes, c.MaxMsgs = -1, -1 })
			r.eventually("/readyz", http.StatusOK, "ready")
			r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":2`)
			r.toldOnce()
			assert.Equal(t, []string{"1 joined Ann", "2 joined Bob"}, told(t, natsURL))
		})
	}
}

// TestStreamThatSomebodyChanges gets back what can be put back; the rest is said until it is
// undone.
func TestStreamThatSomebodyChanges(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	_, address := process(t, disk.Fast(t))
	r := start(t, external(settings(t, api), address))
	natsURL := r.ready()
	// Without roll-ups nothing can be stored, so the comparison comes before its minute is over.
	edit(t, natsURL, func(c *jetstream.StreamConfig, _ jetstream.StreamState) { c.AllowRollup, c.MaxAge = false, time.Hour })
	r.eventually("/readyz", http.StatusServiceUnavailable, "rollup not permitted")
	r.eventually("/readyz", http.StatusOK, "[-] stream: stream CONFERENCE has a configuration that Rollcall cannot work with: max_age is 1h0m0s, not 0\ndegraded")
	edit(t, natsURL, func(c *jetstream.StreamConfig, _ jetstream.StreamState) {
		assert.True(t, c.AllowRollup)
		c.AllowRollup, c.MaxAge = false, 0
	})
	body := r.eventually("/readyz?verbose", http.StatusOK, "[+] stream ok")
	assert.Contains(t, body, "\nready\n")
}

// edit changes the running stream as an operator does.
func edit(t *testing.T, natsURL string, set func(*jetstream.StreamConfig, jetstream.StreamState)) {
	t.Helper()
	nc, err := nats.Connect(natsURL)
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	st, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	info := st.CachedInfo()
	set(&info.Config, info.State)
	_, err = js.UpdateStream(t.Context(), info.Config)
	require.NoError(t, err)
}
