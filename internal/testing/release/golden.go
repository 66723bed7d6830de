// Package release compares what users rely on with files, and with the last release: the settings,
// routes, subjects, metrics and event fields that there are stand in testdata/now, those of the
// last release in testdata/last, and what differs must stand in CHANGELOG.md. The last release's
// data directory is there, too, and today's program must be able to continue with it.
package release

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Compare compares what the running code has of a kind, such as "settings", with its golden file,
// which has a line for each in any order. With -update it writes the file instead.
func Compare(t *testing.T, kind string, lines []string) {
	t.Helper()
	lines = sorted(lines)
	if *update {
		require.NoError(t, os.WriteFile(path(t, "now", kind), []byte(strings.Join(lines, "\n")+"\n"), 0o600))
		return
	}
	assert.Equal(t, golden(t, "now", kind), lines, "the %s differ from the golden file: if they are meant to, run\n\t"+
		"go test ./internal/testing/release ./internal/service -run Golden -update\nand say in CHANGELOG.md what changed", kind)
}

func sorted(lines []string) []string { return slices.Compact(slices.Sorted(slices.Values(lines))) }

// path is where the golden file of a kind is: of now, or of the last release.
func path(t *testing.T, of, kind string) string {
	t.Helper()
	return filepath.Join(root(t), "internal/testing/release/testdata", of, kind+".txt")
}

// golden returns the lines of a golden file; none when there is no file.
func golden(t *testing.T, of, kind string) []string {
	t.Helper()
	path := path(t, of, kind)
	data, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	return strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
}

// root is the repository's folder.
func root(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	require.NoError(t, err)
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		parent := filepath.Dir(dir)
		require.NotEqual(t, dir, parent, "no go.mod above")
		dir = parent
	}
}
