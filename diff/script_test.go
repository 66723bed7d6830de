package diff_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// look is one step of a script: a snapshot and what must follow from it. Times are seconds after
// [epoch].
type look struct {
	at   float64
	from float64 // when the look began; at by default
	// since is what was known then; everything by default.
	since diff.Mark
	kind  diff.Kind
	rows  []string // see [parseRow]
	over  bool
	end   float64 // the meeting's end
	want  []string
	now   bool // the push asks for a look
}

// script plays looks at one meeting and returns its last state.
func script(t *testing.T, looks ...look) *diff.State {
	t.Helper()
	return replay(t, diff.New("m1"), looks...)
}

func replay(t *testing.T, state *diff.State, looks ...look) *diff.State {
	t.Helper()
	for i, l := range looks {
		res := diff.Compare(state, l.snapshot())
		require.Equal(t, append([]string{}, l.want...), lines(res.Events), "look %d, at %v", i+1, l.at)
		require.Equal(t, l.now, res.LookNow, "look %d, at %v: LookNow", i+1, l.at)
		state = res.State
	}
	return state
}

func (l look) snapshot() diff.Snapshot {
	snap := diff.Snapshot{Kind: l.kind, From: ms(l.at), At: ms(l.at), Since: l.since, Via: events.ViaPoll, Over: l.over}
	if l.from > 0 {
		snap.From = ms(l.from)
	}
	if l.kind == diff.Partial {
		snap.Via = events.ViaPush
	}
	if l.end > 0 {
		snap.EndTime = ms(l.end)
	}
	for _, r := range l.rows {
		snap.Rows = append(snap.Rows, parseRow(r))
	}
	return snap
}

func ms(seconds float64) int64 { return epoch + int64(seconds*1000) }

// parseRow reads "person status", "person status join-" or "person status join-leave". A person
// "?name" has no unionId. A join of 0 means that the row has none.
func parseRow(s string) diff.Row {
	f := strings.Fields(s)
	status, err := strconv.Atoi(f[1])
	if err != nil {
		panic(err)
	}
	r := diff.Row{UnionID: f[0], UserNick: f[0], Status: status}
	if name, isGuest := strings.CutPrefix(f[0], "?"); isGuest {
		r.UnionID, r.UserNick = "", name
	}
	if len(f) > 2 {
		join, leave, _ := strings.Cut(f[2], "-")
		r.JoinTime, r.LeaveTime = parseTime(join), parseTime(leave)
	}
	return r
}

func parseTime(s string) int64 {
	if s == "" || s == "0" {
		return 0
	}
	seconds, err := strconv.ParseFloat(s, 64)
	if err != nil {
		panic(err)
	}
	return ms(seconds)
}

// line writes an event as "verb person time", then the reason where it is not the usual one of the
// verb, then "inferred".
func line(e events.Event) string {
	verb := strings.TrimPrefix(string(e.Type), "conference.member.")
	s := fmt.Sprintf("%s %s %v", verb, e.Member.UserNick, float64(e.Time.UnixMilli()-epoch)/1000)
	if string(e.Member.Reason) != verb {
		s += " (" + string(e.Member.Reason) + ")"
	}
	if e.Member.Inferred {
		s += " inferred"
	}
	return s
}

func lines(list []events.Event) []string {
	out := []string{}
	for _, e := range list {
		out = append(out, line(e))
	}
	return out
}
