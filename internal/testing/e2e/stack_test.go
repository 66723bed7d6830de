package e2e_test

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// hurry is a clock that begins lag behind the real one, runs faster than it by a factor, and keeps
// to it once it has caught up: a meeting of minutes passes in seconds, its times are seconds apart
// as in life, and none lies in the future.
func hurry(lag time.Duration, factor float64) (now func() time.Time, start time.Time) {
	began := time.Now()
	return func() time.Time {
		wall := time.Now()
		behind := lag - time.Duration(float64(wall.Sub(began))*(factor-1))
		return wall.Add(-max(behind, 0))
	}, began.Add(-lag)
}

// simulate serves a simulated DingTalk until the test ends, and returns a client of it.
func simulate(t *testing.T, o simulator.Options) (*simulator.Simulator, *api.Client) {
	t.Helper()
	sim, err := simulator.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	settings := sim.Settings()
	client, err := api.New(api.Options{
		BaseURL: server.URL, AppKey: settings.AppKey, AppSecret: settings.AppSecret, Timeout: time.Second, // calls that hang are made again
	})
	require.NoError(t, err)
	t.Cleanup(client.Close)
	return sim, client
}

// openStore runs a NATS server and a publisher on it until the test ends.
func openStore(t *testing.T) (*publisher.Publisher, jetstream.JetStream) {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	conn, err := nats.Connect(server.ClientURL(), nats.ReconnectBufSize(-1), nats.Timeout(patient))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	pub, err := publisher.Open(t.Context(), conn, publisher.Options{})
	require.NoError(t, err)
	background(t, pub.Run)
	js, err := jetstream.New(conn)
	require.NoError(t, err)
	return pub, js
}

// watch runs a poller that watches these meetings, until the test ends or stop is called.
func watch(t *testing.T, source poller.Source, store poller.Store, ids ...string) (p *poller.Poller, stop func()) {
	t.Helper()
	p, err := poller.New(source, store, poller.Options{MinInterval: 20 * time.Millisecond, MaxInterval: 100 * time.Millisecond})
	require.NoError(t, err)
	stop = background(t, p.Run)
	<-p.Ready()
	for _, id := range ids {
		_, err := p.Watch(t.Context(), id, "")
		require.NoError(t, err)
	}
	return p, stop
}

// background runs something until the test ends or stop is called, and waits for its end.
func background(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- run(ctx) }()
	stop = func() {
		if ctx.Err() == nil {
			cancel()
			assert.NoError(t, <-ended)
		}
	}
	t.Cleanup(stop)
	return stop
}

// stored reads the events of a meeting from the stream, in its order.
func stored(t *testing.T, js jetstream.JetStream, id string) []events.Event {
	t.Helper()
	consumer, err := js.OrderedConsumer(t.Context(), events.Stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{events.OfMeeting(id)}})
	require.NoError(t, err)
	info, err := consumer.Info(t.Context())
	require.NoError(t, err)
	var out []events.Event
	for range info.NumPending {
		msg, err := consumer.Next(jetstream.FetchMaxWait(patient))
		require.NoError(t, err)
		e, err := events.Decode(msg.Data())
		require.NoError(t, err)
		out = append(out, e)
	}
	return out
}
