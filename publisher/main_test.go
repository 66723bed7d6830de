package publisher

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/natstest"
)

// maxResends is how long a test waits for what has to happen, however busy the machine is.
const maxResends = time.Minute

// childDir names the store directory for a re-executed test binary, which then is a NATS server and
// nothing else.
const childDir = "ROLLCALL_TEST_PUBLISHER_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		os.Exit(child.Serve(embedded.Start(context.Background(), embedded.Options{StoreDir: dir, Listen: "127.0.0.1:0"})))
	}
	leak.Main(m)
}

// startProcess starts a NATS server in a process of its own, and returns where it listens.
func startProcess(t testing.TB, dir string) (s interface{ Kill() }, addr string) {
	t.Helper()
	if binary := natstest.Binary(); binary != "" {
		process := natstest.Start(t, binary, &server.Options{StoreDir: dir, SyncAlways: true})
		return process, hostPort(t, process.ClientURL())
	}
	child := child.Start(t, childDir+"="+dir)
	return child, hostPort(t, child.Line(t))
}

// startEmbedded runs the product's own server until the test ends, or another one that does as
// much.
func startEmbedded(t testing.TB, dir string) child.Server {
	t.Helper()
	if binary := natstest.Binary(); binary != "" {
		return natstest.Start(t, binary, &server.Options{StoreDir: dir, SyncAlways: true})
	}
	s, err := embedded.Start(t.Context(), embedded.Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

// startServer runs a server with settings of its own until the test ends, and returns its URL.
func startServer(t testing.TB, set func(*server.Options)) string {
	t.Helper()
	opts := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	}
	set(opts)
	if binary := natstest.Binary(); binary != "" {
		return natstest.Start(t, binary, opts).ClientURL()
	}
	s, err := server.NewServer(opts)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(maxResends))
	return s.ClientURL()
}

func hostPort(t testing.TB, raw string) string {
	t.Helper()
	u, err := url.Parse(raw)
	require.NoError(t, err)
	_, _, err = net.SplitHostPort(u.Host)
	require.NoError(t, err, raw)
	return u.Host
}

func connect(t testing.TB, url string, opts ...nats.Option) *nats.Conn {
	t.Helper()
	opts = append([]nats.Option{
		nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(5 * time.Millisecond), nats.ReconnectJitter(0, 0),
		nats.Timeout(10 * time.Second),
	}, opts...)
	nc, err := nats.Connect(url, opts...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// open opens a publisher and runs it until the test ends. Unless the test says otherwise it is as
// patient as the test.
func open(t testing.TB, nc *nats.Conn, opts Options) *Publisher {
	t.Helper()
	opts.AckTimeout, opts.GiveUpAfter = cmp.Or(opts.AckTimeout, maxResends/3), cmp.Or(opts.GiveUpAfter, maxResends)
	p, err := Open(t.Context(), nc, opts)
	require.NoError(t, err)
	run(t, p)
	return p
}

// run runs p until the test ends or the returned function is called.
func run(t testing.TB, p *Publisher) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancelCause(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = func() {
		if context.Cause(ctx) == nil {
			cancel(errors.New("stopped by the test"))
			assert.NoError(t, <-ended)
		}
	}
	t.Cleanup(stop)
	return stop
}

// newPublisher is a publisher on a server of its own.
func newPublisher(t testing.TB, opts Options) *Publisher {
	t.Helper()
	return open(t, connect(t, startEmbedded(t, disk.Fast(t)).ClientURL()), opts)
}
