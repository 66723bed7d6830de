// Package version says which Rollcall this is.
package version

import "runtime/debug"

// release is set by the build of a release: -ldflags "-X
// github.com/c4342123/rollcall/internal/base/version.release=v1.2.3".
var release string

// String is the version: that of the release or of the module, else the commit it was built from,
// else "devel".
func String() string {
	if release != "" {
		return release
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(len(s.Value), 12)]
		}
	}
	return "devel"
}
