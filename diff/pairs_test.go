package diff_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/stretchr/testify/require"
)

const absent = -1

// announced is what a first look at 30 s leaves announced of somebody, by the status of their row
// and whether it has times: joined at 10 s and, where it is closed, left at 20 s.
func announced(status int, times bool) string {
	switch {
	case status == 3 && times:
		return "present"
	case status == 3:
		return "present, start inferred"
	case status == 5 && times, status == 6 && times:
		return "gone"
	default:
		return "nobody"
	}
}

// outcome is what a second look at 40 s must give, by what is announced and what the row shows
// then. A row with times began at 10 s and, where it is closed, ended at 35 s. What is not named
// here gives nothing.
type outcome struct{ announced, row string }

const (
	untimed = " without times"
	asks    = "asks for a look"
)

// lacking asks for a second look: only two prove that somebody vanished.
func lacking(list map[outcome][]string) map[outcome][]string {
	out := maps.Clone(list)
	out[outcome{"present", "-1"}] = []string{asks}
	return out
}

var wholeList = map[outcome][]string{
	{"nobody", "3"}:           {"joined ann 10"},
	{"nobody", "3" + untimed}: {"joined ann 40 inferred"},
	{"nobody", "5"}:           {"joined ann 10", "kicked ann 35"},
	{"nobody", "6"}:           {"joined ann 10", "left ann 35"},

	{"present", "1"}:           {"left ann 40 (disconnected) inferred"},
	{"present", "2"}:           {"left ann 40 (disconnected) inferred"},
	{"present", "4"}:           {"left ann 40 (disconnected) inferred"},
	{"present", "5"}:           {"kicked ann 35"},
	{"present", "6"}:           {"left ann 35"},
	{"present", "5" + untimed}: {"kicked ann 40 inferred"},
	{"present", "6" + untimed}: {"left ann 40 inferred"},

	{"gone", "3"}:           {"joined ann 20 (rejoined) inferred"},
	{"gone", "3" + untimed}: {"joined ann 40 (rejoined) inferred"},
}

var push = map[outcome][]string{
	{"nobody", "3"}:           {"joined ann 10"},
	{"nobody", "3" + untimed}: {asks},
	{"nobody", "5"}:           {asks},
	{"nobody", "6"}:           {asks},
	{"nobody", "5" + untimed}: {asks},
	{"nobody", "6" + untimed}: {asks},

	{"present", "1"}:           {asks},
	{"present", "2"}:           {asks},
	{"present", "4"}:           {asks},
	{"present", "5"}:           {"kicked ann 35"},
	{"present", "6"}:           {"left ann 35"},
	{"present", "5" + untimed}: {asks},
	{"present", "6" + untimed}: {asks},

	{"gone", "3"}:           {asks},
	{"gone", "3" + untimed}: {asks},
	{"gone", "5" + untimed}: {asks},
	{"gone", "6" + untimed}: {asks},
}

// TestEveryPairOfStatuses plays every status after every other, with and without times, for every
// kind of snapshot. Where an uncertain list is to prove an end it is played twice, and gives
// nothing the first time.
func TestEveryPairOfStatuses(t *testing.T) {
	kinds := map[string]struct {
		kind diff.Kind
		want map[outcome][]string
	}{
		"complete":  {diff.Complete, lacking(wholeList)},
		"uncertain": {diff.Uncertain, wholeList},
		"push":      {diff.Partial, push},
	}
	played := 0
	for name, k := range kinds {
		for before := absent; before <= 7; before++ {
			for after := absent; after <= 7; after++ {
				for times := range 4 {
					beforeTimed, afterTimed := times&1 > 0, times&2 > 0
					t.Run(fmt.Sprintf("%s %d to %d %d", name, before, after, times), func(t *testing.T) {
						at := 40.0
						state := diff.Compare(diff.New("m1"), look{at: 30, rows: pairRow(before, beforeTimed, 20)}.snapshot()).State
						was := announced(before, beforeTimed)
						want := k.want[key(was, after, afterTimed)]
						if k.kind == diff.Uncertain && ends(want) {
							first := look{at: at, kind: k.kind, rows: pairRow(after, afterTimed, 35)}
							state = replay(t, state, first)
							at = 41
						}
						res := diff.Compare(state, look{at: at, kind: k.kind, rows: pairRow(after, afterTimed, 35)}.snapshot())
						if len(want) == 1 && want[0] == asks {
							require.True(t, res.LookNow)
							want = nil
						} else {
							require.False(t, res.LookNow)
						}
						require.Equal(t, append([]string{}, want...), moved(lines(res.Events), at))
						unknown := 0
						if after == 0 || after == 7 {
							unknown = 1
						}
						require.Equal(t, unknown, res.UnknownStatus)
					})
					played++
				}
			}
		}
	}
	require.Equal(t, 3*9*9*4, played)
}

// ends tells whether an outcome is of an attendance that is over: an uncertain list proves that
// only the second time.
func ends(want []string) bool {
	return slices.ContainsFunc(want, func(line string) bool {
		return strings.HasPrefix(line, "left") || strings.HasPrefix(line, "kicked")
	})
}

// moved writes what was observed at another time as if that had been 40 s.
func moved(lines []string, at float64) []string {
	for i := range lines {
		lines[i] = strings.Replace(lines[i], fmt.Sprintf(" %v", at), " 40", 1)
	}
	return lines
}

// key finds the outcome: an attendance whose start was inferred goes on and ends like any other,
// and only statuses 3, 5 and 6 care for times.
func key(was string, status int, timed bool) outcome {
	if was == "present, start inferred" {
		was = "present"
	}
	row := fmt.Sprint(status)
	if !timed && (status == 3 || status == 5 || status == 6) {
		row += untimed
	}
	return outcome{was, row}
}

func pairRow(status int, timed bool, leave int) []string {
	switch {
	case status == absent:
		return nil
	case !timed:
		return []string{fmt.Sprintf("ann %d", status)}
	case status == 5 || status == 6:
		return []string{fmt.Sprintf("ann %d 10-%d", status, leave)}
	default:
		return []string{fmt.Sprintf("ann %d 10-", status)}
	}
}

// TestEveryPairOfStatusesTellsThePreviousOne holds previousAttendStatus to the list before.
func TestEveryPairOfStatusesTellsThePreviousOne(t *testing.T) {
	for before := absent; before <= 7; before++ {
		state := diff.Compare(diff.New("m1"), look{at: 15, rows: pairRow(before, false, 0)}.snapshot()).State
		res := diff.Compare(state, look{at: 40, rows: []string{"ann 6 20-30"}}.snapshot())
		require.NotEmpty(t, res.Events)
		first := res.Events[0].Member.PreviousAttendStatus
		switch before {
		case absent, 0, 7:
			require.Zero(t, first, "before %d", before)
		default:
			require.Equal(t, before, first)
		}
	}
}
