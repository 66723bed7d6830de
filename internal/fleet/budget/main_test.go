package budget

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/poller"
)

func TestMain(m *testing.M) { leak.Main(m) }

// startServer runs a NATS server until the test ends and returns its URL. Unlike the product's own
// it does not wait for the disk.
func startServer(t testing.TB) string {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(30*time.Second))
	return s.ClientURL()
}

func connect(t testing.TB, url string) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(url, nats.ReconnectBufSize(-1), nats.ReconnectWait(10*time.Millisecond), nats.MaxReconnects(-1))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	return conn
}

// startProxy puts a proxy in front of a server until the test ends.
func startProxy(t testing.TB, server string) *faultproxy.Proxy {
	t.Helper()
	u, err := url.Parse(server)
	require.NoError(t, err)
	return faultproxy.Start(t, u.Host)
}

// world is the time that the server of a test shows.
type world struct {
	mu  sync.Mutex
	now time.Time
}

// at returns a world in which it is this time in China.
func at(t testing.TB, text string) *world {
	t.Helper()
	now, err := time.ParseInLocation("2006-01-02 15:04", text, china)
	require.NoError(t, err)
	return &world{now: now}
}

func (w *world) time() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) pass(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// ahead tells the time of a server whose clock is ahead of the world's.
func (w *world) ahead(d time.Duration) func(context.Context) (time.Time, error) {
	return func(context.Context) (time.Time, error) { return w.time().Add(d), nil }
}

// open opens a month in the world.
func (w *world) open(t testing.TB, conn *nats.Conn, o MonthOptions) *Month {
	t.Helper()
	m, err := w.tryOpen(t, conn, o, 0)
	require.NoError(t, err)
	return m
}

// tryOpen opens a month on a server whose clock is ahead of the world's.
func (w *world) tryOpen(t testing.TB, conn *nats.Conn, o MonthOptions, ahead time.Duration) (*Month, error) {
	t.Helper()
	if o.Now == nil {
		o.Now = w.time
	}
	s, err := openStore(t.Context(), conn, 1)
	require.NoError(t, err)
	return newMonth(t.Context(), s, o.withDefaults(), w.ahead(ahead))
}

// spend takes calls until one is refused, and returns how many it got.
func spend(t testing.TB, m *Month, p Purpose) int {
	t.Helper()
	for n := 0; ; n++ {
		if err := m.Take(t.Context(), p); err != nil {
			require.ErrorIs(t, err, ErrSpent)
			return n
		}
	}
}

// stored reads a month's count as it is in NATS.
func stored(t testing.TB, m *Month, month string) count {
	t.Helper()
	c, err := m.store.count(t.Context(), month)
	require.NoError(t, err)
	return c
}

// sourceError returns the error as the poller sees it.
func sourceError(t testing.TB, err error) *poller.SourceError {
	t.Helper()
	var source *poller.SourceError
	require.ErrorAs(t, err, &source)
	return source
}

// reports keeps what was reported.
type reports struct {
	mu    sync.Mutex
	texts []string // without repetitions; "" for OK
}

func (r *reports) Failed(_ string, err error) { r.add(err.Error()) }
func (r *reports) OK(string)                  { r.add("") }

func (r *reports) add(text string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := len(r.texts); n == 0 || r.texts[n-1] != text {
		r.texts = append(r.texts, text)
	}
}

func (r *reports) all() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.texts
}

func throttled(wait time.Duration) error {
	return &poller.SourceError{Trouble: poller.Throttled, Wait: wait, Err: errors.New("QpsLimit")}
}

func upstreamExhausted() error {
	return &poller.SourceError{Trouble: poller.Exhausted, Err: errors.New("ApiCountLimitForOrg")}
}
