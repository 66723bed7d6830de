package doctor

import (
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The embedded server would be of no use on a disk that is full, or that cannot be written to.
func TestDisksThatTakeNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options string
		flags   uintptr
		says    string
	}{
		"full":      {options: "size=64k", says: "no space left"},
		"read-only": {flags: syscall.MS_RDONLY, says: "read-only"},
	} {
		t.Run(name, func(t *testing.T) {
			s := patient(t)
			s.Store.DataDir = t.TempDir()
			if err := syscall.Mount("tmpfs", s.Store.DataDir, "tmpfs", c.flags, c.options); err != nil {
				t.Skipf("a disk cannot be mounted here: %v", err)
			}
			t.Cleanup(func() { assert.NoError(t, syscall.Unmount(s.Store.DataDir, 0)) })
			found, well := findings(t, s)
			assert.False(t, well)
			f := found["nats"]
			assert.Equal(t, Failed, f.Verdict, f.Text)
			assert.Contains(t, f.Text, c.says)
			assert.Contains(t, f.Mend, "--data-dir")
			left, err := os.ReadDir(s.Store.DataDir)
			require.NoError(t, err)
			assert.Empty(t, left, "nothing is left")
		})
	}
}
