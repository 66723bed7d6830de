package turns_test

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/fleet/turns"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/leak"
)

// patience is how long anything may take that is waited for.
const patience = time.Minute

func TestMain(m *testing.M) { leak.Main(m) }

func TestOneReplicaListsAtATime(t *testing.T) {
	t.Parallel()
	server, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	nc, err := nats.Connect(server.ClientURL(), nats.Timeout(patience))
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	replica := func(owner string, interval time.Duration) *turns.Turns {
		return turns.New(nc, turns.Options{Owner: owner, Interval: interval, Replicas: 1})
	}
	take := func(r *turns.Turns) bool {
		mine, err := r.Take(t.Context())
		require.NoError(t, err)
		return mine
	}
	a, b := replica("a", time.Hour), replica("b", time.Hour)
	assert.True(t, take(a))
	assert.True(t, take(b), "the first list since the start, in any case")
	assert.True(t, take(a), "still a's turn")
	assert.False(t, take(b))
	b = replica("b", time.Second) // turns are as short as that from now on
	assert.True(t, take(b))
	require.Eventually(t, func() bool { return take(b) }, patience, 20*time.Millisecond, "a is gone")
	nc.Close()
	_, err = b.Take(t.Context())
	assert.Error(t, err)
}
