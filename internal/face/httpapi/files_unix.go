//go:build unix

package httpapi

import "syscall"

// OpenFiles is how many files this process may have open; 0 when that is not known.
func OpenFiles() uint64 {
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) != nil {
		return 0
	}
	return uint64(limit.Cur)
}
