// Package streamtest is for tests: a NATS server that can be restarted, and a recorder that stores
// events in it as the service does.
package streamtest

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// Server is a NATS server that can be stopped and started again, on the same port and store.
type Server struct {
	// Dir is where it stores, Address where it listens.
	Dir, Address string

	t      testing.TB
	server *embedded.Server
}

// Start starts a server, which stops at the end of the test.
func Start(t testing.TB) *Server {
	t.Helper()
	s := &Server{t: t, Dir: t.TempDir(), Address: port.Free(t)}
	s.Start()
	t.Cleanup(s.Stop)
	return s
}

// Start starts the server again after [Server.Stop].
func (s *Server) Start() {
	s.t.Helper()
	var err error
	s.server, err = embedded.Start(s.t.Context(), embedded.Options{StoreDir: s.Dir, Listen: s.Address})
	require.NoError(s.t, err)
}

// Stop stops the server.
func (s *Server) Stop() {
	s.t.Helper()
	assert.NoError(s.t, s.server.Close())
}

// URL is what clients connect to.
func (s *Server) URL() string { return "nats://" + s.Address }

// Connect connects as the program does, until the test ends.
func (s *Server) Connect() *nats.Conn {
	s.t.Helper()
	return Connect(s.t, s.Address)
}

// JetStream connects as [Server.Connect] does.
func (s *Server) JetStream() jetstream.JetStream {
	s.t.Helper()
	js, err := jetstream.New(s.Connect())
	require.NoError(s.t, err)
	return js
}

// Connect connects to what listens at an address, as the program does, until the test ends.
func Connect(t testing.TB, address string) *nats.Conn {
	t.Helper()
	nc, err := conn.Connect(t.Context(), config.NATS{}, conn.Options{
		Embedded: config.Address(address), Extra: []nats.Option{nats.Timeout(time.Minute)}, // the machine may be slow
	})
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	return nc
}
