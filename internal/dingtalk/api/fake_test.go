package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/pipe"
)

// The secrets of the tests. They are looked for in every error and log line.
const (
	testSecret = "s3cret-of-the-app"
	testToken  = "t0ken-value"
)

// upstream is a scripted DingTalk over real HTTP.
type upstream struct {
	*httptest.Server
	mux  *http.ServeMux
	dial func(ctx context.Context, network, address string) (net.Conn, error) // nil where the network is real

	mu       sync.Mutex
	requests []*http.Request
	tokens   int
}

// newUpstream gives out the tokens testToken-1, testToken-2 and so on, and serves what the test
// adds to its mux.
func newUpstream(t *testing.T) *upstream {
	t.Helper()
	return newBareUpstream(t).givingTokens()
}

// newPipedUpstream is an upstream for a bubble: its time passes in no time, and however slow the
// machine is nothing comes too late.
func newPipedUpstream(t *testing.T) *upstream {
	t.Helper()
	listener := pipe.Listen()
	u := newUpstreamOn(t, listener).givingTokens()
	u.dial = listener.Dial
	return u
}

func (u *upstream) givingTokens() *upstream {
	u.mux.HandleFunc("POST /v1.0/oauth2/accessToken", func(w http.ResponseWriter, _ *http.Request) {
		u.mu.Lock()
		u.tokens++
		n := u.tokens
		u.mu.Unlock()
		writeJSON(w, http.StatusOK, fmt.Sprintf(`{"accessToken":"%s-%d","expireIn":7200}`, testToken, n))
	})
	return u
}

func newBareUpstream(t *testing.T) *upstream {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	return newUpstreamOn(t, ln)
}

func newUpstreamOn(t *testing.T, listener net.Listener) *upstream {
	t.Helper()
	u := &upstream{mux: http.NewServeMux()}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.mu.Lock()
		u.requests = append(u.requests, r)
		u.mu.Unlock()
		u.mux.ServeHTTP(w, r)
	})
	u.Server = &httptest.Server{Listener: listener, Config: &http.Server{Handler: handler}}
	u.Start()
	t.Cleanup(u.Close)
	return u
}

// seen returns the requests so far whose path is not the token's.
func (u *upstream) seen() []*http.Request {
	u.mu.Lock()
	defer u.mu.Unlock()
	var calls []*http.Request
	for _, r := range u.requests {
		if r.Method == http.MethodGet {
			calls = append(calls, r)
		}
	}
	return calls
}

func (u *upstream) tokensGiven() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.tokens
}

// members serves the member list of meeting "m".
func (u *upstream) members(serve http.HandlerFunc) {
	u.mux.HandleFunc("GET /v1.0/conference/videoConferences/m/members", serve)
}

// script answers the first call with the first handler and so on; the last one stays.
func script(handlers ...http.HandlerFunc) http.HandlerFunc {
	var mu sync.Mutex
	return func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		next := handlers[0]
		if len(handlers) > 1 {
			handlers = handlers[1:]
		}
		mu.Unlock()
		next(w, r)
	}
}

func answer(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, status, body) }
}

func writeJSON(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, body)
}

// client makes a client of u that retries at once.
func (u *upstream) client(t *testing.T, change ...func(*Options)) *Client {
	t.Helper()
	o := Options{BaseURL: u.URL, AppKey: "key", AppSecret: testSecret}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	require.NoError(t, err)
	c.retryPause = time.Millisecond
	if u.dial != nil {
		c.transport.DialContext = u.dial
	}
	t.Cleanup(c.Close)
	return c
}

// timeless runs a test in a bubble.
func timeless(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}

// logBook is a logger whose lines a test can read.
type logBook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *logBook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// clock is a clock that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Unix(1_700_000_000, 0)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}
