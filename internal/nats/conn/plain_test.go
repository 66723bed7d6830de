package conn_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

// TestPlainly asks a connection that is lost.
func TestPlainly(t *testing.T) {
	t.Parallel()
	running := serve(t, server.Options{})
	nc, err := connect(t, config.NATS{URL: servers(running)}, conn.Options{})
	require.NoError(t, err)
	running.Shutdown()
	require.Eventually(t, func() bool { return !nc.IsConnected() }, patience, time.Millisecond)
	err = fmt.Errorf("reading: %w", nc.Publish("x", nil))
	require.ErrorContains(t, err, "outbound buffer")
	require.EqualError(t, conn.Plainly(err), "reading: not connected to the NATS server")
	require.ErrorIs(t, conn.Plainly(err), nats.ErrReconnectBufExceeded)
	assert.NoError(t, conn.Plainly(nil))
	assert.Equal(t, assert.AnError, conn.Plainly(assert.AnError))
}
