package access

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// file writes a token file and returns its path.
func file(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func line(name, token, scopes string) string {
	return "  - {name: " + name + ", hash: '" + HashOf(token).String() + "', scopes: [" + scopes + "]}\n"
}
