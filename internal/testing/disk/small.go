//go:build linux

package disk

import (
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// Disk is a small file system of its own.
type Disk struct {
	// Dir is where it is mounted.
	Dir    string
	filler string
}

// Small mounts a file system of so many bytes until the test ends. The test is skipped where that
// is not allowed.
func Small(t testing.TB, size int) *Disk {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Skip("a small file system cannot be mounted: ", err)
	}
	t.Cleanup(func() { require.NoError(t, syscall.Unmount(dir, syscall.MNT_DETACH)) })
	return &Disk{Dir: dir, filler: filepath.Join(dir, "filler")}
}

// Fill leaves so many bytes free, or as many as there are.
func (d *Disk) Fill(t testing.TB, left int64) {
	t.Helper()
	var fs syscall.Statfs_t
	require.NoError(t, syscall.Statfs(d.Dir, &fs))
	f, err := os.OpenFile(d.filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	chunk := make([]byte, fs.Bsize)
	for range int64(fs.Bavail) - left/fs.Bsize {
		if _, err := f.Write(chunk); err != nil {
			return // another program took the rest
		}
	}
}

// Free takes away what Fill has put there.
func (d *Disk) Free(t testing.TB) {
	t.Helper()
	require.NoError(t, os.Remove(d.filler))
}
