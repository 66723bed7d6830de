package conn_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/port"
	"github.com/c4342123/rollcall/internal/testing/selfsigned"
)

// startDoors starts an embedded server that asks who comes, in a directory of its own.
func startDoors(t *testing.T, dir string, doors embedded.Doors) config.Address {
	t.Helper()
	address := port.Free(t)
	s, err := embedded.Start(t.Context(), embedded.Options{StoreDir: dir, Listen: address, Doors: &doors})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return config.Address(address)
}

// come connects as a command does that has no login set.
func come(t *testing.T, at config.Address, dir string) (*nats.Conn, error) {
	t.Helper()
	nc, err := conn.Connect(t.Context(), config.NATS{}, conn.Options{Embedded: at, DataDir: dir})
	if err == nil {
		t.Cleanup(nc.Close)
	}
	return nc, err
}

// Whoever can read the login in the data directory writes; others read, and are told what to set.
func TestTheLoginInTheDataDirectory(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir()) // no demonstration's
	dir := t.TempDir()
	at := startDoors(t, dir, embedded.Doors{Anonymous: true})
	nc, err := come(t, at, dir)
	require.NoError(t, err)
	require.NoError(t, conn.Writer(t.Context(), nc, config.NATS{}))

	nc, err = come(t, at, t.TempDir())
	require.NoError(t, err)
	err = conn.Writer(t.Context(), nc, config.NATS{})
	var usage *config.UsageError
	require.ErrorAs(t, err, &usage)
	require.ErrorContains(t, err, "nats.login")

	stale := t.TempDir()
	login, err := os.ReadFile(filepath.Join(dir, embedded.LoginFile))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(stale, embedded.LoginFile), append([]byte(nil), replaced(login)...), 0o600))
	nc, err = come(t, at, stale)
	require.NoError(t, err, "a login that the server does not know is none")
	require.Error(t, conn.Writer(t.Context(), nc, config.NATS{}))

	require.NoError(t, os.Chmod(filepath.Join(dir, embedded.LoginFile), 0o644))
	_, err = come(t, at, dir)
	require.ErrorIs(t, err, embedded.ErrOpenLogin)
	require.ErrorAs(t, err, &usage)
}

// replaced is a login with another password.
func replaced(login []byte) []byte {
	i := len(login) - len("X\"\n}\n")
	out := append([]byte(nil), login...)
	out[i] = 'x'
	return out
}

// A command that is told of no directory finds the login of a demonstration, if that is its server.
func TestTheLoginOfADemonstration(t *testing.T) {
	temp := t.TempDir()
	t.Setenv("TMPDIR", temp)
	dir := filepath.Join(temp, "rollcall-demo-1")
	require.NoError(t, os.Mkdir(dir, 0o700))
	at := startDoors(t, dir, embedded.Doors{Anonymous: true})
	nc, err := come(t, at, t.TempDir())
	require.NoError(t, err)
	require.NoError(t, conn.Writer(t.Context(), nc, config.NATS{}))

	other := startDoors(t, t.TempDir(), embedded.Doors{Anonymous: true})
	nc, err = come(t, other, t.TempDir())
	require.NoError(t, err)
	require.Error(t, conn.Writer(t.Context(), nc, config.NATS{}), "it is another server's")
}

// With TLS commands on the same machine trust the server's own certificate, and no other; a changed
// one counts for new connections.
func TestTheLoginWithTLS(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	dir, files := t.TempDir(), t.TempDir()
	cert, key := filepath.Join(files, "cert.pem"), filepath.Join(files, "key.pem")
	selfsigned.Write(t, cert, key, "nats.example.org")
	at := startDoors(t, dir, embedded.Doors{Reader: embedded.Login{User: "rita", Password: "reads"}, TLSCert: cert, TLSKey: key})
	nc, err := come(t, at, dir)
	require.NoError(t, err)
	require.NoError(t, conn.Writer(t.Context(), nc, config.NATS{}))
	first, err := nc.TLSConnectionState()
	require.NoError(t, err)

	_, err = come(t, at, t.TempDir())
	require.ErrorContains(t, err, "certificate", "one that nobody has signed is not trusted without the login")

	selfsigned.Write(t, cert, key, "nats.example.org")
	changed := time.Now().Add(time.Minute)
	require.NoError(t, os.Chtimes(cert, changed, changed))
	nc, err = come(t, at, dir)
	require.NoError(t, err)
	second, err := nc.TLSConnectionState()
	require.NoError(t, err)
	assert.NotEqual(t, first.PeerCertificates[0].Raw, second.PeerCertificates[0].Raw)

	require.NoError(t, os.WriteFile(key, []byte("half"), 0o600))
	nc, err = come(t, at, dir)
	require.NoError(t, err, "a pair that does not fit leaves the one before in force")
	nc.Close()
}
