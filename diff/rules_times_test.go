package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/stretchr/testify/require"
)

func TestRule5ClosedStaysClosed(t *testing.T) {
	for name, row := range map[string]string{
		"6 turns into 5":           "ann 5 10-20",
		"another leaveTime":        "ann 6 10-60",
		"an earlier leaveTime":     "ann 6 10-15",
		"no leaveTime any more":    "ann 6 10-",
		"no times any more":        "ann 6",
		"called again":             "ann 2",
		"failed to join again":     "ann 4",
		"rounded":                  "ann 6 10.9-21.9",
		"rounded down":             "ann 6 9-19",
		"open, but rounded at end": "ann 6 11.9-21",
	} {
		t.Run(name, func(t *testing.T) {
			script(t,
				look{at: 30, rows: []string{"ann 6 10-20"}, want: []string{"joined ann 10", "left ann 20"}},
				look{at: 40, rows: []string{row}},
				look{at: 50, rows: []string{row}},
				look{at: 60, rows: []string{"ann 6 10-20"}},
			)
		})
	}
}

func TestRule5AnEndWithoutAnAttendanceIsNone(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 5", "bob 6", "cat 6 0-15"}},
		look{at: 30, rows: []string{"ann 6", "bob 5", "cat 6 0-15"}},
		look{at: 40, rows: []string{"ann 6", "bob 5"}, over: true, end: 35},
	)
}

func TestRule5LessThanTwoSecondsIsTheSameTime(t *testing.T) {
	for name, tc := range map[string]struct {
		row  string
		want []string
	}{
		"later":            {"ann 3 11.999-", nil},
		"earlier":          {"ann 3 8.001-", nil},
		"two seconds":      {"ann 3 12-", []string{"left ann 12 inferred", "joined ann 12 (rejoined)"}},
		"later and closed": {"ann 6 11.999-25", []string{"left ann 25"}},
	} {
		t.Run(name, func(t *testing.T) {
			script(t,
				look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
				look{at: 30, rows: []string{tc.row}, want: tc.want},
			)
		})
	}
}

func TestRule5TwoVisitsWithinTwoSecondsAreTwo(t *testing.T) {
	script(t,
		look{at: 11, rows: []string{"ann 6 10-10.5"}, want: []string{"joined ann 10", "left ann 10.5"}},
		look{at: 20, rows: []string{"ann 6 10-10.5", "ann 3 11-"}, want: []string{"joined ann 11 (rejoined)"}},
	)
}

func TestRule6MissingTimesAreTheTimeOfTheLook(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3", "bob 6 10-", "cat 6 10-5"}, want: []string{
			"joined bob 10", "joined cat 10", "left bob 20 inferred", "left cat 20 inferred", "joined ann 20 inferred",
		}},
		look{at: 30, rows: []string{"ann 3", "bob 6 10-", "cat 6 10-5"}},
		look{at: 40, rows: []string{"ann 6", "bob 6 10-", "cat 6 10-5"}, want: []string{"left ann 40 inferred"}},
		look{at: 50, rows: []string{"ann 3", "bob 6 10-", "cat 6 10-5"}, want: []string{"joined ann 50 (rejoined) inferred"}},
		look{at: 60, rows: []string{"ann 6 0-55", "bob 6 10-", "cat 6 10-5"}, want: []string{"left ann 55"}},
	)
}

func TestRule6AnAttendanceGoesOnWithoutItsJoinTime(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 30, rows: []string{"ann 3"}},
		look{at: 40, rows: []string{"ann 3 0-35"}},
		look{at: 50, rows: []string{"ann 6 10-45"}, want: []string{"left ann 45"}},
	)
}

func TestRule6AnEndThatWasInferredDoesNotSwallowLaterVisits(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 6 10-"}, want: []string{"joined ann 10", "left ann 20 inferred"}},
		look{at: 40, rows: []string{"ann 6 10-", "ann 3 30-"}, want: []string{"joined ann 30 (rejoined)"}},
		look{at: 50, rows: []string{"ann 6 10-", "ann 3 30-"}},
		look{at: 60, rows: []string{"ann 6 10-", "ann 6 30-55"}, want: []string{"left ann 55"}},
		look{at: 70, rows: []string{"ann 6 10-", "ann 6 30-55"}},
	)
}

func TestRule6GarbageIsNoTime(t *testing.T) {
	for name, garbage := range map[string]int64{
		"negative":       -1,
		"least":          -1 << 63,
		"greatest":       1<<63 - 1,
		"the year 10000": 253402300800000,
	} {
		t.Run(name, func(t *testing.T) {
			s := script(t, look{at: 20, rows: []string{"bob 3 10-"}, want: []string{"joined bob 10"}})
			snap := look{at: 30, rows: []string{"ann 3", "bob 6 10-", "cat 6", "dan 5 10-"}}.snapshot()
			snap.Rows[0].JoinTime, snap.Rows[0].LeaveTime = garbage, garbage
			snap.Rows[1].LeaveTime = garbage
			snap.Rows[2].JoinTime, snap.Rows[2].LeaveTime = garbage, garbage
			snap.Rows[3].LeaveTime = garbage
			want := []string{"joined dan 10", "left bob 30 inferred", "kicked dan 30 inferred", "joined ann 30 inferred"}
			require.Equal(t, want, lines(diff.Compare(s, snap).Events))
		})
	}
}

// TestClocksThatDisagree has a look go by a clock that is an hour behind that of the look before.
func TestClocksThatDisagree(t *testing.T) {
	s := script(t, look{at: 3620, rows: []string{"ann 3 10-", "bob 6 10-3600"}, want: []string{
		"joined ann 10", "joined bob 10", "left bob 3600",
	}})
	res := diff.Compare(s, look{at: 30, rows: []string{"ann 6 10-3700", "bob 6 10-3600", "bob 3 0-"}}.snapshot())
	require.Equal(t, []string{"joined bob 3600 (rejoined) inferred", "left ann 3700"}, lines(res.Events))
	for _, e := range res.Events {
		require.Equal(t, ms(30), e.Member.ObservedAfter, "the older bound is that of the newer look")
		require.Equal(t, ms(30), e.Member.ObservedBefore)
	}
	replay(t, res.State,
		look{at: 40, rows: []string{"ann 6 10-3700", "bob 6 10-3600", "bob 3 0-"}},
		look{at: 50, rows: []string{"ann 6 10-3700", "bob 6 10-3600"}, now: true},
		look{at: 60, rows: []string{"ann 6 10-3700", "bob 6 10-3600"}, want: []string{"left bob 3600 (vanished) inferred"}},
	)
}
