package conn

import (
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBucket(t *testing.T) {
	t.Parallel()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(time.Minute))
	nc, err := nats.Connect(s.ClientURL())
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)

	cfg := jetstream.KeyValueConfig{Bucket: "B", Replicas: 1, TTL: time.Minute}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := Bucket(t.Context(), js, cfg)
			assert.NoError(t, err)
		})
	}
	all.Wait()
	kv, err := Bucket(t.Context(), js, cfg)
	require.NoError(t, err)
	_, err = kv.Put(t.Context(), "key", []byte("kept"))
	require.NoError(t, err)

	cfg.TTL = time.Hour
	kv, err = Bucket(t.Context(), js, cfg)
	require.NoError(t, err)
	status, err := kv.Status(t.Context())
	require.NoError(t, err)
	assert.Equal(t, time.Hour, status.TTL())
	entry, err := kv.Get(t.Context(), "key")
	require.NoError(t, err)
	assert.Equal(t, "kept", string(entry.Value()))

	// One server cannot have more copies, so a look at what is asked for has to do.
	cfg.Replicas = 3
	_, err = Bucket(t.Context(), js, cfg)
	require.ErrorContains(t, err, "update bucket B")
	cfg.Replicas = 0
	_, err = Bucket(t.Context(), js, cfg)
	require.NoError(t, err, "no fewer copies")
	nc.Close()
	_, err = Bucket(t.Context(), js, cfg)
	require.ErrorContains(t, err, "open bucket B")
}
