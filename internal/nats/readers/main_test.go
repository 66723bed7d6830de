package readers_test

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/nats/readers"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/publisher"
)

func TestMain(m *testing.M) { leak.Main(m) }

const patience = 20 * time.Second

// world is a server with the stream, and with a bucket as the service has some.
type world struct {
	t       *testing.T
	server  *embedded.Server
	product jetstream.JetStream
	stop    func() // ends what answers readers
}

func newWorld(t *testing.T) *world {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Options{
		StoreDir: t.TempDir(), Listen: "127.0.0.1:0", Doors: &embedded.Doors{Anonymous: true},
	})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	w := &world{t: t, server: server}
	w.product = w.connect("", server.InProcess()...)
	_, err = publisher.Open(t.Context(), w.product.Conn(), publisher.Options{CorpID: "corp"})
	require.NoError(t, err)
	_, err = w.product.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "ROLLCALL_SHARDS"})
	require.NoError(t, err)
	w.serve()
	return w
}

func (w *world) connect(url string, opts ...nats.Option) jetstream.JetStream {
	w.t.Helper()
	nc, err := nats.Connect(url, append(opts, nats.Timeout(patience), nats.ReconnectBufSize(-1))...)
	require.NoError(w.t, err)
	w.t.Cleanup(nc.Close)
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(patience))
	require.NoError(w.t, err)
	return js
}

// serve lets consumers be made for readers, until stop.
func (w *world) serve() {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(w.t, readers.Serve(ctx, w.product.Conn(), slog.New(slog.DiscardHandler))) })
	w.stop = sync.OnceFunc(func() { cancel(); running.Wait() })
	w.t.Cleanup(w.stop)
	require.Eventually(w.t, func() bool { return w.product.Conn().NumSubscriptions() > 0 }, patience, time.Millisecond)
	require.NoError(w.t, w.product.Conn().Flush())
}

// store stores events as the service does, so far as readers notice.
func (w *world) store(payloads ...string) {
	w.t.Helper()
	for _, p := range payloads {
		_, err := w.product.Publish(w.t.Context(), "rollcall.in.conference.member.joined", []byte(p))
		require.NoError(w.t, err)
	}
}

// kept is all that could be changed: what the stream and the bucket hold, how they are set, and
// which consumers there are.
func (w *world) kept() []any {
	w.t.Helper()
	var out []any
	for info := range w.product.ListStreams(w.t.Context()).Info() {
		out = append(out, info.Config, info.State.Msgs, info.State.FirstSeq, info.State.LastSeq, info.State.NumDeleted, info.State.Consumers)
	}
	stream, err := w.product.Stream(w.t.Context(), events.Stream)
	require.NoError(w.t, err)
	for info := range stream.ListConsumers(w.t.Context()).Info() {
		out = append(out, info.Config)
	}
	return out
}
