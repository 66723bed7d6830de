// Package disk gives tests directories to store in: a fast one, and one on a disk that is soon
// full.
package disk

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
)

// Fast is a directory for a store whose durability is not what is tested: in memory where the
// system has that. It is removed when the test ends.
func Fast(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "rollcall")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() { assert.NoError(t, os.RemoveAll(dir)) })
	return dir
}
