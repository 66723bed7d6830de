//go:build !unix

package config

import "io/fs"

// isOwner is not known here, where a file's mode says nothing of others.
func isOwner(fs.FileInfo) bool { return false }
