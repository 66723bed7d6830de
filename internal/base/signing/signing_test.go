package signing

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nkeys"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func public(t *testing.T, key nkeys.KeyPair) string {
	t.Helper()
	p, err := key.PublicKey()
	require.NoError(t, err)
	return p
}

func TestAKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), File)
	_, err := Load(path)
	require.ErrorIs(t, err, fs.ErrNotExist)
	var wg sync.WaitGroup
	var mu sync.Mutex
	keys, makers := map[string]bool{}, 0
	for range 8 {
		wg.Go(func() {
			key, made, err := LoadOrMake(path)
			mu.Lock()
			defer mu.Unlock()
			if assert.NoError(t, err) {
				keys[public(t, key)] = true
				if made {
					makers++
				}
			}
		})
	}
	wg.Wait()
	assert.Len(t, keys, 1)
	assert.Equal(t, 1, makers)
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, fs.FileMode(0o600), info.Mode())
	left, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, left, 1)
}

func TestWhatIsNoSeedIsRefusedAndNotShown(t *testing.T) {
	t.Parallel()
	account, err := nkeys.CreateAccount()
	require.NoError(t, err)
	seed, err := account.Seed()
	require.NoError(t, err)
	for name, text := range map[string]string{
		"nothing": "", "text": "a secret of another kind", "an account's": string(seed), "much": strings.Repeat("S", largest+1),
	} {
		path := filepath.Join(t.TempDir(), File)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		for _, read := range []func() error{
			func() error { _, err := Load(path); return err },
			func() error { _, _, err := LoadOrMake(path); return err },
		} {
			err := read()
			require.ErrorIs(t, err, ErrNoSeed, name)
			require.ErrorContains(t, err, path)
			if text != "" {
				assert.NotContains(t, err.Error(), text)
			}
		}
		kept, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(kept))
	}
	_, err = Load(t.TempDir())
	require.ErrorIs(t, err, ErrNoSeed)
}
