//go:build linux || darwin || freebsd

package embedded

import "syscall"

// diskSpace is how many bytes of the disk that a directory lies on are free to us, and how many it
// has.
func diskSpace(dir string) (free, total uint64, err error) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil {
		return 0, 0, err
	}
	block := uint64(fs.Bsize)
	return uint64(fs.Bavail) * block, uint64(fs.Blocks) * block, nil
}
