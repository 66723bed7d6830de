package publisher

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/nats-io/nats.go"
)

// The first server with atomic batches.
const needMajor, needMinor = 2, 12

// checkServer refuses a server without atomic batches, by the version it gives itself.
func checkServer(nc *nats.Conn) error {
	version := nc.ConnectedServerVersion()
	if version == "" {
		return nats.ErrDisconnected
	}
	major, minor, ok := parseVersion(version)
	if !ok {
		return fmt.Errorf("server %q gives %q as its version, which is none", nc.ConnectedServerName(), version)
	}
	if major < needMajor || major == needMajor && minor < needMinor {
		return fmt.Errorf("%w: server %q at %s is %s", ErrServerTooOld, nc.ConnectedServerName(), nc.ConnectedAddr(), version)
	}
	return nil
}

// parseVersion reads "2.12.1" and the like, with anything after the second number.
func parseVersion(s string) (major, minor int, ok bool) {
	first, rest, ok := strings.Cut(strings.TrimPrefix(s, "v"), ".")
	if !ok {
		return 0, 0, false
	}
	second := rest
	if i := strings.IndexFunc(rest, func(r rune) bool { return r < '0' || r > '9' }); i >= 0 {
		second = rest[:i]
	}
	major, err1 := strconv.Atoi(first)
	minor, err2 := strconv.Atoi(second)
	return major, minor, err1 == nil && err2 == nil
}
