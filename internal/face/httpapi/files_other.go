//go:build !unix

package httpapi

// OpenFiles is how many files this process may have open; 0 when that is not known.
func OpenFiles() uint64 { return 0 }
