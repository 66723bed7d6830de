package service

import (
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// signerOf returns the public key that a service with these settings seals with, empty without one,
// and what it logs.
func signerOf(t *testing.T, s config.Settings) (string, string, error) {
	t.Helper()
	var log logbuffer.Buffer
	svc := &service{opts: Options{Settings: s}, log: slog.New(slog.NewTextHandler(io.MultiWriter(&log, io.Discard), nil))}
	key, err := svc.signer()
	if err != nil || key == nil {
		return "", log.String(), err
	}
	public, err := key.PublicKey()
	require.NoError(t, err)
	return public, log.String(), nil
}

// TestTheKeyThatSeals is made with an embedded server, named for another one, or said to be
// missing.
func TestTheKeyThatSeals(t *testing.T) {
	t.Parallel()
	own := config.Settings{Store: config.Store{DataDir: t.TempDir()}}
	made, log, err := signerOf(t, own)
	require.NoError(t, err)
	assert.Contains(t, log, made)
	assert.Contains(t, log, "keep a copy")
	again, log, err := signerOf(t, own)
	require.NoError(t, err)
	assert.Equal(t, made, again)
	assert.Contains(t, log, made)

	file := filepath.Join(own.Store.DataDir, "signing.nk")
	external := config.Settings{NATS: config.NATS{URL: config.Servers{"nats://127.0.0.1:4222"}}, Store: own.Store}
	none, log, err := signerOf(t, external)
	require.NoError(t, err)
	assert.Empty(t, none)
	assert.Contains(t, log, "chained but not sealed")
	external.Events.SigningKeyFile = file
	named, _, err := signerOf(t, external)
	require.NoError(t, err)
	assert.Equal(t, made, named)

	seed, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.NotContains(t, log, string(seed[:8]))
	require.NoError(t, os.WriteFile(file, seed[:20], 0o600))
	for _, s := range []config.Settings{own, external, {Events: config.Events{SigningKeyFile: filepath.Join(t.TempDir(), "missing")}}} {
		_, _, err := signerOf(t, s)
		var usage *config.UsageError
		require.ErrorAs(t, err, &usage)
		assert.Equal(t, "signing-key-file", usage.Setting)
		assert.NotContains(t, err.Error(), string(seed[:20]))
	}
}
