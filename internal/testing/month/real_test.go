package month

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// exchange bounds what the server is waited for, in real time.
const exchange = time.Minute

// outside is the bucket of a NATS server for a bubble of synthetic time. What waits for the server
// is done by a goroutine outside of the bubble, through channels that were made there: so the time
// in the bubble stands still meanwhile.
type outside struct {
	jetstream.KeyValue

	mu    sync.Mutex
	calls chan func(context.Context)
	done  chan struct{}
}

// realBuckets starts a NATS server, and opens its bucket for so many replicas, each by a
// connection of its own.
func realBuckets(tb testing.TB, replicas int) []jetstream.KeyValue {
	tb.Helper()
	s, err := server.NewServer(&server.Options{DontListen: true, JetStream: true, StoreDir: tb.TempDir(), NoSigs: true, NoLog: true})
	require.NoError(tb, err)
	s.Start()
	tb.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(tb, s.ReadyForConnections(exchange))
	out := make([]jetstream.KeyValue, replicas)
	for i := range out {
		nc, err := nats.Connect("", nats.InProcessServer(s))
		require.NoError(tb, err)
		tb.Cleanup(nc.Close)
		js, err := jetstream.New(nc)
		require.NoError(tb, err)
		kv, err := js.CreateOrUpdateKeyValue(tb.Context(), jetstream.KeyValueConfig{Bucket: "MONTH", Storage: jetstream.MemoryStorage})
		require.NoError(tb, err)
		o := &outside{KeyValue: kv, calls: make(chan func(context.Context)), done: make(chan struct{})}
		tb.Cleanup(func() { close(o.calls) })
		go o.serve()
		out[i] = o
	}
	return out
}

func (o *outside) serve() {
	for call := range o.calls {
		ctx, cancel := context.WithTimeout(context.Background(), exchange)
		call(ctx)
		cancel()
		o.done <- struct{}{}
	}
}

// do has something done outside of the bubble.
func (o *outside) do(call func(context.Context)) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.calls <- call
	<-o.done
}

// Get implements [jetstream.KeyValue].
func (o *outside) Get(_ context.Context, key string) (e jetstream.KeyValueEntry, err error) {
	o.do(func(ctx context.Context) { e, err = o.KeyValue.Get(ctx, key) })
	return e, err
}

// Create implements [jetstream.KeyValue].
func (o *outside) Create(_ context.Context, key string, value []byte, _ ...jetstream.KVCreateOpt) (revision uint64, err error) {
	o.do(func(ctx context.Context) { revision, err = o.KeyValue.Create(ctx, key, value) })
	return revision, err
}

// Update implements [jetstream.KeyValue].
func (o *outside) Update(_ context.Context, key string, value []byte, last uint64) (revision uint64, err error) {
	o.do(func(ctx context.Context) { revision, err = o.KeyValue.Update(ctx, key, value, last) })
	return revision, err
}
