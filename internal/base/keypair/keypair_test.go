package keypair

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/selfsigned"
)

const patience = 10 * time.Second

// shown is the certificate that a new connection is shown.
func shown(t *testing.T, p *Pair) *x509.Certificate {
	t.Helper()
	c, err := p.Config().GetCertificate(nil)
	require.NoError(t, err)
	return c.Leaf
}

func TestThePairThatFitsLast(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := selfsigned.Write(t, cert, key, "first.example")
	p, err := Open(cert, key)
	require.NoError(t, err)
	assert.True(t, first.Equal(shown(t, p)))

	var failing atomic.Bool
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.Follow(ctx, time.Millisecond, func(err error) { failing.Store(err != nil) })
	}()
	defer func() { cancel(); <-ended }()

	old, err := os.ReadFile(key)
	require.NoError(t, err)
	selfsigned.Write(t, cert, key, "second.example")
	for _, wrong := range [][]byte{old, []byte("half of a k"), nil} {
		selfsigned.Write(t, cert, filepath.Join(dir, "other.pem"), "other.example")
		require.NoError(t, os.WriteFile(key, wrong, 0o600))
		require.Eventually(t, failing.Load, patience, time.Millisecond)
		assert.NotEqual(t, "other.example", shown(t, p).DNSNames[0], "a pair that does not fit is never shown")
	}
	require.NoError(t, os.Remove(cert))
	require.Eventually(t, failing.Load, patience, time.Millisecond)
	shown(t, p)
	third := selfsigned.Write(t, cert, key, "third.example")
	require.Eventually(t, func() bool { return !failing.Load() }, patience, time.Millisecond)
	assert.True(t, third.Equal(shown(t, p)))
}

func TestAPairThatCannotBeOpened(t *testing.T) {
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	_, err := Open(cert, key)
	require.ErrorIs(t, err, os.ErrNotExist)
	selfsigned.Write(t, cert, filepath.Join(dir, "other"), "a.example")
	selfsigned.Write(t, filepath.Join(dir, "other"), key, "b.example")
	_, err = Open(cert, key)
	require.ErrorContains(t, err, key)
}
