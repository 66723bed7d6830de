package doctor

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/signing"
	"github.com/c4342123/rollcall/internal/config"
)

func TestSealing(t *testing.T) {
	t.Parallel()
	own := config.Settings{Store: config.Store{DataDir: t.TempDir()}}
	path := filepath.Join(own.Store.DataDir, "signing.nk")
	found := Sealing(own)
	assert.Equal(t, OK, found.Verdict)
	assert.Equal(t, "no key seals yet: the service makes "+path+" when it first starts", found.Text)
	assert.NoFileExists(t, path)

	key, _, err := signing.LoadOrMake(path)
	require.NoError(t, err)
	public, err := key.PublicKey()
	require.NoError(t, err)
	assert.Equal(t, Finding{Verdict: OK, Text: "sealed with " + public}, Sealing(own))

	external := config.Settings{NATS: config.NATS{URL: config.Servers{"nats://127.0.0.1:4222"}}, Store: own.Store}
	assert.Equal(t, Note, Sealing(external).Verdict)
	external.Events.SigningKeyFile = path
	assert.Equal(t, OK, Sealing(external).Verdict)
	external.Events.SigningKeyFile = path + ".gone"
	assert.Equal(t, Failed, Sealing(external).Verdict)
	require.NoError(t, os.WriteFile(path, []byte("SUNOSEED"), 0o600))
	found = Sealing(own)
	assert.Equal(t, Failed, found.Verdict)
	assert.NotContains(t, found.Text, "SUNOSEED")
}
