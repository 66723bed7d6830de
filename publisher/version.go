package publisher

import (
	"cmp"
	"fmt"
	"regexp"
	"strconv"

	"github.com/nats-io/nats.go"
)

// oldest is the first server that can store what Rollcall commits. 2.12.0, the first with atomic
// batches, refuses each (error 10177), and 2.12.1 to 2.12.7 refuse all but the first of a meeting
// (error 10071), because they look for the state's last revision under the subject it had before
// the stream's transform.
var oldest = version{major: 2, minor: 12, patch: 8}

// durable is the first server that follows sync_interval: always as it compacts its files. Older
// ones can lose at a power cut what they acknowledged while they compacted.
var durable = version{major: 2, minor: 14, patch: 6}

// CheckServer refuses the connected server with [ErrServerTooOld] if it cannot store what Rollcall
// commits, by the version it gives itself. While nc has no connection the error is
// nats.ErrDisconnected.
func CheckServer(nc *nats.Conn) error {
	was := nc.IsConnected()
	p := connected(nc)
	if !was || !nc.IsConnected() {
		return nats.ErrDisconnected // and what was read may be nothing
	}
	return p.check()
}

// peer is a NATS server as it names itself.
type peer struct{ name, where, version string }

func connected(nc *nats.Conn) peer {
	return peer{nc.ConnectedServerName(), "at " + nc.ConnectedAddr(), nc.ConnectedServerVersion()}
}

func (p peer) String() string { return fmt.Sprintf("server %q %s", p.name, p.where) }

// check refuses what is too old, or gives no version to tell by.
func (p peer) check() error {
	v, ok := parseVersion(p.version)
	switch {
	case !ok:
		return fmt.Errorf("%w: %s gives %q as its version, which is none", ErrServerTooOld, p, p.version)
	case v.before(oldest):
		return fmt.Errorf("%w: %s is %s", ErrServerTooOld, p, p.version)
	}
	return nil
}

// warning says what can happen with a server that is accepted; it is empty if nothing can.
func (p peer) warning() string {
	if v, _ := parseVersion(p.version); !v.before(durable) {
		return ""
	}
	return fmt.Sprintf("%s is %s: what it acknowledged can be lost at a power cut, even with sync_interval: always; NATS server %s or newer keeps it",
		p, p.version, durable)
}

// version is what a server says of itself, such as 2.12.8, v2.14.6-RC.1 or 2.16.0-dev.
type version struct {
	major, minor, patch int
	// early versions, those with a suffix, come before the version they lead to.
	early bool
}

// A number has few enough digits for an int; after "+" stands what makes a build, not a version.
var versionForm = regexp.MustCompile(`^v?([0-9]{1,9})\.([0-9]{1,9})(?:\.([0-9]{1,9}))?([^+.0-9][^+]*)?(?:[+.].*)?$`)

// parseVersion reads a version; a third number that is missing is 0.
func parseVersion(s string) (v version, ok bool) {
	m := versionForm.FindStringSubmatch(s)
	if m == nil {
		return version{}, false
	}
	number := func(digits string) int {
		n, _ := strconv.Atoi(digits) // none is 0
		return n
	}
	return version{number(m[1]), number(m[2]), number(m[3]), m[4] != ""}, true
}

func (v version) before(o version) bool {
	order := cmp.Or(cmp.Compare(v.major, o.major), cmp.Compare(v.minor, o.minor), cmp.Compare(v.patch, o.patch))
	return order < 0 || order == 0 && v.early && !o.early
}

func (v version) String() string { return fmt.Sprintf("%d.%d.%d", v.major, v.minor, v.patch) }
