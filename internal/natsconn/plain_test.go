package natsconn_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/natsconn"
)

// TestPlainly asks a connection that is lost.
func TestPlainly(t *testing.T) {
	running := serve(t, server.Options{})
	conn, err := connect(t, config.NATS{URL: servers(running)}, natsconn.Options{})
	require.NoError(t, err)
	running.Shutdown()
	require.Eventually(t, func() bool { return !conn.IsConnected() }, patience, time.Millisecond)
	err = fmt.Errorf("reading: %w", conn.Publish("x", nil))
	require.ErrorContains(t, err, "outbound buffer")
	require.EqualError(t, natsconn.Plainly(err), "reading: not connected to the NATS server")
	require.ErrorIs(t, natsconn.Plainly(err), nats.ErrReconnectBufExceeded)
	assert.NoError(t, natsconn.Plainly(nil))
	assert.Equal(t, assert.AnError, natsconn.Plainly(assert.AnError))
}
