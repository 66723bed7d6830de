package shards

import (
	"context"
	"log/slog"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// What a re-executed test binary is to be instead of a test.
const (
	childServer  = "ROLLCALL_TEST_SHARDS_SERVER"  // a NATS server on this store
	childCluster = "ROLLCALL_TEST_SHARDS_CLUSTER" // or one of several servers
	childReplica = "ROLLCALL_TEST_SHARDS_REPLICA" // a replica at this URL
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(childServer); dir != "" {
		if spec := os.Getenv(childCluster); spec != "" {
			os.Exit(child.Serve(startMember(dir, spec)))
		}
		os.Exit(child.Serve(embedded.Start(context.Background(), embedded.Options{StoreDir: dir, Listen: "127.0.0.1:0"})))
	}
	if url := os.Getenv(childReplica); url != "" {
		os.Exit(replicaChild(url))
	}
	leak.Main(m)
}

// startServer runs the product's own server until the test ends and returns where it listens.
func startServer(t testing.TB) string {
	t.Helper()
	s, err := embedded.Start(t.Context(), embedded.Options{StoreDir: disk.Fast(t), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s.ClientURL()
}

// startProxy puts a proxy in front of a server until the test ends.
func startProxy(t testing.TB, natsURL string) *faultproxy.Proxy {
	t.Helper()
	u, err := url.Parse(natsURL)
	require.NoError(t, err)
	return faultproxy.Start(t, u.Host)
}

func connect(t testing.TB, url string) *nats.Conn {
	t.Helper()
	nc, err := nats.Connect(url, nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(5*time.Millisecond),
		nats.ReconnectJitter(0, 0), nats.Timeout(patience))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}

// replica is one that runs, and can be stopped before the test ends.
type replica struct {
	*Replica
	conn   *nats.Conn
	cancel context.CancelFunc
	done   chan struct{}
}

// stop ends the replica as a clean stop of its process does.
func (r *replica) stop() {
	r.cancel()
	<-r.done
}

// start runs a replica with a connection of its own until the test ends.
func start(t testing.TB, url string, opts Options) *replica {
	t.Helper()
	log := &logbuffer.Buffer{}
	opts.Logger = slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	conn := connect(t, url)
	ctx, cancel := context.WithCancel(context.Background())
	r := &replica{conn: conn, cancel: cancel, done: make(chan struct{})}
	var err error
	require.Eventually(t, func() bool {
		r.Replica, err = Open(t.Context(), conn, opts)
		return err == nil
	}, patience, 50*time.Millisecond, "%v", err)
	go func() {
		defer close(r.done)
		assert.NoError(t, r.Run(ctx))
	}()
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("log of %s:\n%s", opts.Name, log)
		}
	})
	return r
}

// patience is how long tests wait for what is to happen: long, as the machine may be busy.
const patience = 3 * time.Minute

// eventually waits for a condition.
func eventually(t testing.TB, condition func() bool, what string, args ...any) {
	t.Helper()
	within(t, patience, condition, what, args...)
}

// atOnce waits for a condition that no time-out of [forever] has to pass for.
func atOnce(t testing.TB, condition func() bool, what string, args ...any) {
	t.Helper()
	within(t, forever*3/4, condition, what, args...)
}

func within(t testing.TB, d time.Duration, condition func() bool, what string, args ...any) {
	t.Helper()
	require.Eventually(t, condition, d, 5*time.Millisecond, append([]any{what}, args...)...)
}
