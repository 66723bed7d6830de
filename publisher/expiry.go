package publisher

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/c4342123/rollcall/diff"
)

// closedMargin is how much longer than the meeting's last event the state of a closed meeting is
// kept. It covers clocks that differ and a server that is late to remove what has expired.
const closedMargin = 24 * time.Hour

// maxRetention is the longest that events are kept, unless for ever. nats-server acknowledges a
// message whose time to live ends after April 2262, where nanoseconds since 1970 overflow, and
// removes it at once (2.15.3).
const maxRetention = 100 * 365 * 24 * time.Hour

// expiry is when the last stored event of a meeting expires, in Unix seconds; 0 when no event is
// known of.
type expiry int64

// never is the expiry of events that are kept for ever.
const never expiry = math.MaxInt64

// after returns the expiry once more events are stored at now, to be kept for retention. It only
// grows: events that were stored under a longer retention are still there.
func (e expiry) after(now time.Time, retention time.Duration) expiry {
	if retention == 0 {
		return never
	}
	return max(e, expiry(now.Add(retention).Unix()+1))
}

// ttl is how long the state of a closed meeting has to be kept from now on; 0 for ever. As long as
// any event of the meeting is stored its state is, too: otherwise a meeting that is watched again
// would announce them again. If a server would have to keep it longer than it can, it is kept for
// ever.
func (e expiry) ttl(now time.Time) time.Duration {
	if e > expiry(now.Add(maxRetention+closedMargin).Unix()) {
		return 0
	}
	return max(time.Unix(int64(e), 0).Sub(now), 0) + closedMargin
}

func (e expiry) String() string {
	if e == never {
		return "never"
	}
	return strconv.FormatInt(int64(e), 10)
}

func parseExpiry(s string) (expiry, error) {
	switch s {
	case "":
		return 0, nil
	case "never":
		return never, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%w: header %s: %q is no time", diff.ErrCorruptState, hdrExpiry, s)
	}
	return expiry(n), nil
}

// formatTTL writes a time to live as the server reads it, in whole seconds, rounded up.
func formatTTL(d time.Duration) string {
	return strconv.FormatInt(int64((d+time.Second-1)/time.Second), 10) + "s"
}
