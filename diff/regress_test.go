package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/stretchr/testify/require"
)

func TestB1OverTwice(t *testing.T) {
	rows := []string{"ann 3 10-", "bob 3 0-"}
	script(t,
		look{at: 20, rows: rows, want: []string{"joined ann 10", "joined bob 20 inferred"}},
		look{at: 40, rows: rows, over: true, end: 35, want: []string{"left ann 35 (meeting_ended)", "left bob 35 (meeting_ended)"}},
		look{at: 40, rows: rows, over: true, end: 35},
		look{at: 50, rows: rows, over: true, end: 35},
		look{at: 60, rows: rows, over: true},
	)
}

func TestB2UnknownLate(t *testing.T) {
	script(t,
		look{at: 60, rows: []string{"ann 6 10-20", "ann 6 30-40"}, want: []string{"joined ann 10", "left ann 20", "joined ann 30 (rejoined)", "left ann 40"}},
		look{at: 70, rows: []string{"ann 6 10-20", "ann 6 30-40", "ann 7"}},
	)
}

func TestB3PastWithoutLeave(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 6 10-"}, want: []string{"joined ann 10", "left ann 20 inferred"}},
		look{at: 40, rows: []string{"ann 6 10-", "ann 3 30-"}, want: []string{"joined ann 30 (rejoined)"}},
		look{at: 50, rows: []string{"ann 6 10-", "ann 3 30-"}},
		look{at: 60, rows: []string{"ann 6 10-", "ann 6 30-55"}, want: []string{"left ann 55"}},
		look{at: 70, rows: []string{"ann 6 10-", "ann 6 30-55"}},
	)
}

func TestB4LateCut(t *testing.T) {
	s := script(t, look{at: 60, rows: []string{"ann 6 50-55"}, want: []string{"joined ann 50", "left ann 55"}})
	res := diff.Compare(s, look{at: 70, rows: []string{"ann 6 50-55", "ann 6 10-20", "bob 6 12-15", "cat 6 13-14"}}.snapshot())
	require.Len(t, res.Events, 6)
	for _, step := range res.Steps(2) {
		n := 0
		for p := range step.State.People() {
			if p.Present {
				n++
			}
		}
		require.Equal(t, n, step.State.Active)
	}
}

func TestB7CloseOutAcrossDevices(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 90, rows: []string{"ann 3 10-40", "ann 6 20-50"}, over: true, end: 80, want: []string{"left ann 50 (meeting_ended)"}},
	)
	script(t,
		look{at: 20, rows: []string{"ann 3 20-"}, want: []string{"joined ann 20"}},
		look{at: 90, rows: []string{"ann 3 20-40", "ann 6 10-50"}, over: true, end: 80, want: []string{"left ann 50 (meeting_ended)"}},
	)
}

func TestB8UnknownAndOpen(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 40, rows: []string{"ann 7 10-", "ann 3 30-"}},
	)
}

func TestB9ResetOfOneOfTwoDevices(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 70, rows: []string{"ann 3 60-25", "ann 6 30-40"}, want: []string{
			"left ann 25", "joined ann 30 (rejoined)", "left ann 40", "joined ann 60 (rejoined)",
		}},
	)
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 70, rows: []string{"ann 3 60-35", "ann 6 30-40"}, want: []string{"left ann 40", "joined ann 60 (rejoined)"}},
	)
}

func TestB10UncertainRows(t *testing.T) {
	script(t,
		look{at: 20, kind: diff.Uncertain, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 40, kind: diff.Partial, rows: []string{"ann 6 10-30"}, now: true},
	)
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 20, kind: diff.Uncertain, rows: []string{"ann 3 10-"}},
		look{at: 40, kind: diff.Partial, rows: []string{"ann 6 10-30"}, want: []string{"left ann 30"}},
	)
}

func TestB11SecondDeviceAtOnce(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 25, kind: diff.Partial, rows: []string{"ann 3 11-"}},
		look{at: 40, kind: diff.Partial, rows: []string{"ann 6 10-30"}, now: true},
	)
}

func TestB19StaleLook(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-", "bob 2"}, want: []string{"joined ann 10"}},
		look{at: 31, kind: diff.Partial, rows: []string{"ann 6 10-30.5"}, want: []string{"left ann 30.5"}},
		look{at: 31.2, kind: diff.Partial, rows: []string{"bob 3 30.7-"}, want: []string{"joined bob 30.7"}},
		look{from: 30, at: 32, rows: []string{"ann 3 10-", "bob 2"}, now: true},
		look{at: 33, rows: []string{"ann 6 10-30.5", "bob 3 30.7-"}},
	)
}

func TestB20OlderLook(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-", "bob 2"}, want: []string{"joined ann 10"}},
		look{from: 31, at: 31.5, rows: []string{"ann 6 10-30.5", "bob 3 30.7-"}, want: []string{"left ann 30.5", "joined bob 30.7"}},
		look{from: 30, at: 32, rows: []string{"ann 3 10-", "bob 2"}, now: true},
	)
}

func TestB21InsidePast(t *testing.T) {
	script(t,
		look{at: 200, rows: []string{"ann 6 10-50", "ann 6 40-70", "ann 6 60-100", "ann 6 150-160"}, want: []string{
			"joined ann 10", "left ann 100", "joined ann 150 (rejoined)", "left ann 160",
		}},
		look{at: 210, rows: []string{"ann 6 10-50", "ann 6 60-100", "ann 6 150-160"}},
	)
}

func TestB22QuietPush(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 25, kind: diff.Partial, rows: []string{"ann 2"}, now: true},
	)
}
