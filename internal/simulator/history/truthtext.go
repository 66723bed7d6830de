package history

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
)

// String prints the truth for people: every meeting, and who attended from when to when, in local
// time.
func (t Truth) String() string {
	var out strings.Builder // takes everything that is written
	for _, m := range t.Meetings {
		state := fmt.Sprintf("%d present", m.Present)
		if m.EndTime != 0 {
			state = "ended " + clock(m.EndTime)
		}
		fmt.Fprintf(&out, "%s  %q  started %s  %s\n", m.ConferenceID, m.Title, clock(m.StartTime), state)
		tw := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
		for _, p := range m.People {
			fmt.Fprintf(tw, "  %s\t%s\t%s\n", p.Nick, cmp.Or(p.UnionID, "guest"), attendances(p.Attendances))
		}
		_ = tw.Flush()
	}
	return out.String()
}

func attendances(all []AttendanceTruth) string {
	parts := make([]string, len(all))
	for i, a := range all {
		parts[i] = clock(a.Joined) + "–"
		if a.Left != 0 {
			parts[i] += clock(a.Left) + " " + a.Ended
		}
	}
	return strings.Join(parts, ", ")
}

func clock(ms int64) string { return time.UnixMilli(ms).Format("15:04:05.000") }
