package evidence

import (
	"encoding/base64"
	"fmt"
	"strings"
	"time"
)

// Result is what files prove.
type Result struct {
	// Meetings are proven, with so many events: each of them is what was stored, in its place, and
	// none is missing.
	Meetings, Events int
	// Erased is how many events of theirs were erased, which is proven too.
	Erased int
	// Restarted is how many times everything was lost that was stored of one of them, and it was
	// announced again.
	Restarted int
	// Open are meetings that are not proven, or not whole, with so many events in the files.
	Open, OpenEvents int
	// Expired is how many events are missing at the beginning of open meetings, as far as seals tell.
	Expired uint64
	// Log is the newest checkpoint; its Origin is empty when there is none.
	Log Checkpoint
	// Whole says that every meeting of the log is there.
	Whole bool
	// Keys are those that signed.
	Keys []string
}

// String says it on one line.
func (r Result) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "proven: %s, %s", number(r.Meetings, "meeting"), number(r.Events, "event"))
	if r.Log.Origin == "" {
		s.WriteString(", no log")
	} else {
		at := r.Log.Signed.UTC().Format(time.RFC3339)
		if r.Log.Signed.IsZero() {
			at = base64.StdEncoding.EncodeToString(r.Log.Root[:])
		}
		fmt.Fprintf(&s, ", log of %d at %s", r.Log.Size, at)
		if r.Whole {
			s.WriteString(" with nothing missing")
		}
	}
	if len(r.Keys) > 0 {
		s.WriteString(", key " + strings.Join(r.Keys, " and "))
	}
	if r.Erased > 0 {
		fmt.Fprintf(&s, "; %s erased", number(r.Erased, "event"))
	}
	if r.Restarted > 0 {
		fmt.Fprintf(&s, "; restarted %s", number(r.Restarted, "time"))
	}
	if r.Open > 0 {
		fmt.Fprintf(&s, "; not proven: %s, %s", number(r.Open, "open meeting"), number(r.OpenEvents, "event"))
	}
	if r.Expired > 0 {
		fmt.Fprintf(&s, "; expired: %s", number(int(r.Expired), "event"))
	}
	return s.String()
}

func number(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
