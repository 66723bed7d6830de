package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/stretchr/testify/require"
)

func TestRule1ComingAndGoingBetweenTwoLooksGivesBothEvents(t *testing.T) {
	script(t,
		look{at: 5},
		look{at: 20, rows: []string{"ann 6 10-15"}, want: []string{"joined ann 10", "left ann 15"}},
		look{at: 60, rows: []string{"ann 6 10-15", "ann 5 30-40", "ann 3 50-"}, want: []string{
			"joined ann 30 (rejoined)", "kicked ann 40", "joined ann 50 (rejoined)",
		}},
		look{at: 80, rows: []string{"ann 6 10-15", "ann 5 30-40", "ann 6 50-70"}, want: []string{"left ann 70"}},
	)
}

func TestRule1TheLastClosingRowTellsKickedFromLeft(t *testing.T) {
	for name, tc := range map[string]struct {
		rows []string
		want string
	}{
		"kicked last":              {[]string{"ann 6 10-20", "ann 5 12-30"}, "kicked ann 30"},
		"kicked first":             {[]string{"ann 5 10-20", "ann 6 12-30"}, "left ann 30"},
		"kicked inside":            {[]string{"ann 6 10-30", "ann 5 12-20"}, "left ann 30"},
		"both at once":             {[]string{"ann 6 10-30", "ann 5 12-30"}, "kicked ann 30"},
		"both at once, other rows": {[]string{"ann 5 10-30", "ann 6 12-30"}, "kicked ann 30"},
	} {
		t.Run(name, func(t *testing.T) {
			script(t, look{at: 40, rows: tc.rows, want: []string{"joined ann 10", tc.want}})
		})
	}
}

func TestRule1PresenceIsAPersonsNotADevices(t *testing.T) {
	script(t,
		look{at: 15, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 25, rows: []string{"ann 3 10-", "ann 3 20-"}},
		look{at: 35, rows: []string{"ann 6 10-30", "ann 3 20-"}},
		look{at: 45, rows: []string{"ann 6 10-30", "ann 6 20-40"}, want: []string{"left ann 40"}},
	)
}

func TestRule1AttendancesThatTouchAreTwo(t *testing.T) {
	script(t, look{at: 40, rows: []string{"ann 6 10-20", "ann 6 20-30"}, want: []string{
		"joined ann 10", "left ann 20", "joined ann 20 (rejoined)", "left ann 30",
	}})
}

func TestRule1AnEarlierVisitNobodySawIsAnnouncedWhenThePersonIsGone(t *testing.T) {
	script(t,
		look{at: 35, kind: diff.Partial, rows: []string{"ann 3 30-"}, want: []string{"joined ann 30"}},
		look{at: 40, rows: []string{"ann 6 10-20", "ann 3 30-"}},
		look{at: 60, rows: []string{"ann 6 10-20", "ann 6 30-50"}, want: []string{
			"left ann 50", "joined ann 10 (rejoined)", "left ann 20",
		}},
		look{at: 70, rows: []string{"ann 6 10-20", "ann 6 30-50"}},
	)
}

func TestRule2AResetRowEndsTheAttendanceBefore(t *testing.T) {
	for name, tc := range map[string]struct {
		rows []string
		want []string
	}{
		"at its older leaveTime": {[]string{"ann 3 30-25"}, []string{"left ann 25", "joined ann 30 (rejoined)"}},
		"no leaveTime":           {[]string{"ann 3 30-"}, []string{"left ann 20 inferred", "joined ann 30 (rejoined)"}},
		"leaveTime before S":     {[]string{"ann 3 30-5"}, []string{"left ann 20 inferred", "joined ann 30 (rejoined)"}},
		"leaveTime after the new start": {
			[]string{"ann 3 30-35"},
			[]string{"left ann 20 inferred", "joined ann 30 (rejoined)"},
		},
		"new start before the last look": {[]string{"ann 3 15-"}, []string{"left ann 15 inferred", "joined ann 15 (rejoined)"}},
		"left again":                     {[]string{"ann 6 30-35"}, []string{"left ann 20 inferred", "joined ann 30 (rejoined)", "left ann 35"}},
		"kicked again":                   {[]string{"ann 5 30-35"}, []string{"left ann 20 inferred", "joined ann 30 (rejoined)", "kicked ann 35"}},
		"within two seconds":             {[]string{"ann 3 11.5-10.5"}, []string{"left ann 10.5", "joined ann 11.5 (rejoined)"}},
		"at once":                        {[]string{"ann 3 30-30"}, []string{"left ann 30", "joined ann 30 (rejoined)"}},
		"of a visit of no length":        {[]string{"ann 3 30-10"}, []string{"left ann 10", "joined ann 30 (rejoined)"}},
		"another device came before": {
			[]string{"ann 3 60-25", "ann 6 30-40"},
			[]string{"left ann 25", "joined ann 30 (rejoined)", "left ann 40", "joined ann 60 (rejoined)"},
		},
		"another device bridged": {
			[]string{"ann 3 60-35", "ann 6 30-40"},
			[]string{"left ann 40", "joined ann 60 (rejoined)"},
		},
		"another device is still there": {[]string{"ann 3 30-25", "ann 3 10-"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			script(t,
				look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
				look{at: 70, rows: tc.rows, want: tc.want},
				look{at: 71, rows: tc.rows},
			)
		})
	}
}

func TestRule3CalledAgainIsDisconnected(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 30, rows: []string{"ann 2", "ann 4"}, want: []string{"left ann 30 (disconnected) inferred"}},
		look{at: 40, rows: []string{"ann 2"}},
		look{at: 50, rows: []string{"ann 3 45-"}, want: []string{"joined ann 45 (rejoined)"}},
	)
}

func TestRule3AnotherDeviceMayRing(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 3 10-", "ann 2"}, want: []string{"joined ann 10"}},
		look{at: 30, rows: []string{"ann 3 10-", "ann 4"}},
	)
}

func TestRule4VanishingTakesTwoCompleteLooks(t *testing.T) {
	present := look{at: 20, rows: []string{"ann 3 10-", "bob 3 10-"}, want: []string{"joined ann 10", "joined bob 10"}}
	gone := func(at float64, kind diff.Kind, want ...string) look {
		return look{at: at, kind: kind, rows: []string{"bob 3 10-"}, want: want}
	}
	const vanished = "left ann 40 (vanished) inferred"
	t.Run("two", func(t *testing.T) {
		script(t, present, gone(30, diff.Complete), gone(40, diff.Complete, vanished), gone(50, diff.Complete))
	})
	t.Run("uncertain looks prove nothing", func(t *testing.T) {
		script(t, present, gone(30, diff.Uncertain), gone(35, diff.Complete), gone(36, diff.Uncertain), gone(37, diff.Uncertain),
			gone(40, diff.Complete, vanished))
	})
	t.Run("listed in between", func(t *testing.T) {
		script(t, present, gone(30, diff.Complete), look{at: 35, rows: present.rows}, gone(38, diff.Complete),
			gone(40, diff.Complete, vanished))
	})
	t.Run("listed in between by an uncertain look", func(t *testing.T) {
		script(t, present, gone(30, diff.Complete), look{at: 35, kind: diff.Uncertain, rows: present.rows},
			gone(38, diff.Complete), gone(40, diff.Complete, vanished))
	})
	t.Run("pushes prove nothing", func(t *testing.T) {
		script(t, present, gone(30, diff.Complete), gone(35, diff.Partial), gone(40, diff.Complete, vanished))
	})
	t.Run("one look twice is one look", func(t *testing.T) {
		script(t, present, gone(30, diff.Complete), gone(30, diff.Complete), gone(40, diff.Complete, vanished))
	})
	t.Run("back after all", func(t *testing.T) {
		script(t, present, gone(30, diff.Complete), gone(40, diff.Complete, vanished),
			look{at: 50, rows: present.rows, want: []string{"joined ann 40 (rejoined) inferred"}})
	})
	t.Run("only older rows are left, uncertain", func(t *testing.T) {
		rows := []string{"ann 6 10-20"}
		script(t,
			look{at: 35, rows: []string{"ann 6 10-20", "ann 3 30-"}, want: []string{
				"joined ann 10", "left ann 20", "joined ann 30 (rejoined)",
			}},
			look{at: 36, kind: diff.Uncertain, rows: rows},
			look{at: 37, kind: diff.Uncertain, rows: rows},
			look{at: 38, rows: rows},
			look{at: 39, kind: diff.Uncertain, rows: rows},
			look{at: 40, rows: rows, want: []string{vanished}},
		)
	})
	t.Run("only older rows are left", func(t *testing.T) {
		script(t,
			look{at: 35, rows: []string{"ann 6 10-20", "ann 3 30-"}, want: []string{
				"joined ann 10", "left ann 20", "joined ann 30 (rejoined)",
			}},
			look{at: 36, rows: []string{"ann 6 10-20"}},
			look{at: 40, rows: []string{"ann 6 10-20"}, want: []string{vanished}},
			look{at: 50, rows: []string{"ann 6 10-20"}},
		)
	})
}

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

func TestRule7NobodyStaysInAMeetingThatIsOver(t *testing.T) {
	for name, tc := range map[string]struct {
		rows []string
		end  float64
		want []string
	}{
		"row still open":                {[]string{"ann 3 10-"}, 50, []string{"left ann 50 (meeting_ended)"}},
		"open, with its leaveTime":      {[]string{"ann 3 10-45"}, 50, []string{"left ann 45 (meeting_ended)"}},
		"two devices, one leaveTime":    {[]string{"ann 3 10-45", "ann 3 12-"}, 50, []string{"left ann 50 (meeting_ended)"}},
		"two devices, two leaveTimes":   {[]string{"ann 3 10-45", "ann 3 12-47"}, 50, []string{"left ann 47 (meeting_ended)"}},
		"open till 45, closed at 48":    {[]string{"ann 3 10-45", "ann 6 12-48"}, 50, []string{"left ann 48 (meeting_ended)"}},
		"closed at 48, open till 45":    {[]string{"ann 3 12-45", "ann 6 9-48"}, 50, []string{"left ann 48 (meeting_ended)"}},
		"row closed":                    {[]string{"ann 6 10-45"}, 50, []string{"left ann 45"}},
		"row closed by a kick":          {[]string{"ann 5 10-45"}, 50, []string{"kicked ann 45"}},
		"row of unknown status":         {[]string{"ann 9 10-45"}, 50, []string{"left ann 50 (meeting_ended)"}},
		"not listed":                    {nil, 50, []string{"left ann 50 (meeting_ended)"}},
		"end not known":                 {[]string{"ann 3 10-"}, 0, []string{"left ann 60 (meeting_ended) inferred"}},
		"end before the start":          {[]string{"ann 3 10-"}, 5, []string{"left ann 60 (meeting_ended) inferred"}},
		"only the visit before listed":  {[]string{"ann 6 2-8"}, 50, []string{"left ann 50 (meeting_ended)", "joined ann 2 (rejoined)", "left ann 8"}},
		"joined after the last look":    {[]string{"ann 3 10-", "bob 3 30-"}, 50, []string{"joined bob 30", "left ann 50 (meeting_ended)", "left bob 50 (meeting_ended)"}},
		"rejoined and the row is reset": {[]string{"ann 3 30-25"}, 50, []string{"left ann 25", "joined ann 30 (rejoined)", "left ann 50 (meeting_ended)"}},
		"called again":                  {[]string{"ann 2"}, 50, []string{"left ann 60 (disconnected) inferred"}},
		"lost its joinTime":             {[]string{"ann 3"}, 50, []string{"left ann 50 (meeting_ended)"}},
		"a row that never had one":      {[]string{"ann 3 10-", "bob 3"}, 50, []string{"left ann 50 (meeting_ended)", "joined bob 60 inferred", "left bob 60 (meeting_ended) inferred"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := script(t,
				look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
				look{at: 60, rows: tc.rows, over: true, end: tc.end, want: tc.want},
				look{at: 60, rows: tc.rows, over: true, end: tc.end},
				look{at: 65, rows: tc.rows, over: true, end: tc.end},
			)
			require.Zero(t, s.Active)
			require.Equal(t, diff.Ended, s.Phase)
		})
	}
}

func TestRule7WithoutAList(t *testing.T) {
	s := script(t,
		look{at: 20, rows: []string{"ann 3 10-", "bob 6 10-15"}, want: []string{"joined ann 10", "joined bob 10", "left bob 15"}},
		look{at: 60, kind: diff.Partial, over: true, want: []string{"left ann 60 (meeting_ended) inferred"}},
		look{at: 65, kind: diff.Partial, over: true, end: 50},
	)
	require.Equal(t, ms(50), s.EndTime)
}

func TestRule7AnUnansweredCallIsNoPresence(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 2", "bob 4", "cat 1"}},
		look{at: 60, rows: []string{"ann 2", "bob 4", "cat 1"}, over: true, end: 50},
	)
}

func TestRule8TheFirstLookIsInitial(t *testing.T) {
	initial := func(s *diff.State, l look) (*diff.State, []bool) {
		res := diff.Compare(s, l.snapshot())
		var out []bool
		for _, e := range res.Events {
			out = append(out, e.Member.Initial)
		}
		return res.State, out
	}
	s := script(t, look{at: 10, kind: diff.Partial, rows: []string{"ann 3 5-"}, want: []string{"joined ann 5"}})
	s, got := initial(s, look{at: 20, rows: []string{"ann 3 5-", "bob 6 10-15"}})
	require.Equal(t, []bool{true, true}, got, "a push is no look")
	s, got = initial(s, look{at: 30, rows: []string{"ann 3 5-", "bob 6 10-15", "cat 3 25-"}})
	require.Equal(t, []bool{false}, got)
	_, got = initial(s, look{at: 40, kind: diff.Partial, rows: []string{"dan 3 35-"}})
	require.Equal(t, []bool{false}, got)

	s, got = initial(diff.New("m1"), look{at: 20})
	require.Empty(t, got)
	_, got = initial(s, look{at: 30, rows: []string{"ann 3 5-"}})
	require.Equal(t, []bool{false}, got, "the first look saw nobody")

	_, got = initial(diff.New("m1"), look{at: 10, kind: diff.Partial, rows: []string{"ann 3 5-"}})
	require.Equal(t, []bool{false}, got)
	_, got = initial(diff.New("m1"), look{at: 10, kind: diff.Uncertain, rows: []string{"ann 3 5-"}})
	require.Equal(t, []bool{true}, got)
}

func TestRule9AnUntrueEndIsCorrected(t *testing.T) {
	for name, tc := range map[string]struct {
		rows []string
		want []string
	}{
		"a second device was overlooked":  {[]string{"ann 6 10-20", "ann 3 15-"}, []string{"joined ann 20 (rejoined) inferred"}},
		"the row is open again":           {[]string{"ann 3 10-"}, []string{"joined ann 20 (rejoined) inferred"}},
		"it has left by now":              {[]string{"ann 6 10-20", "ann 6 15-35"}, []string{"joined ann 20 (rejoined) inferred", "left ann 35"}},
		"it was kicked by now":            {[]string{"ann 6 10-20", "ann 5 15-35"}, []string{"joined ann 20 (rejoined) inferred", "kicked ann 35"}},
		"it left less than 2 s later":     {[]string{"ann 6 10-20", "ann 6 15-21.9"}, nil},
		"only the second device is shown": {[]string{"ann 3 15-"}, []string{"joined ann 20 (rejoined) inferred"}},
		"it has come back besides": {
			[]string{"ann 6 10-20", "ann 6 15-25", "ann 3 30-"},
			[]string{"joined ann 20 (rejoined) inferred", "left ann 25", "joined ann 30 (rejoined)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			script(t,
				look{at: 12, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
				look{at: 21, kind: diff.Partial, rows: []string{"ann 6 10-20"}, want: []string{"left ann 20"}},
				look{at: 40, rows: tc.rows, want: tc.want},
				look{at: 41, rows: tc.rows},
			)
		})
	}
}

func TestRule9AnAttendanceOfNoLengthComesBackAMillisecondLater(t *testing.T) {
	script(t,
		look{at: 20, rows: []string{"ann 6 10-10"}, want: []string{"joined ann 10", "left ann 10"}},
		look{at: 30, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10.001 (rejoined) inferred"}},
	)
}

func TestRule9AtTheMeetingsEnd(t *testing.T) {
	script(t,
		look{at: 12, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
		look{at: 21, kind: diff.Partial, rows: []string{"ann 6 10-20"}, want: []string{"left ann 20"}},
		look{at: 60, rows: []string{"ann 6 10-20", "ann 3 15-"}, over: true, end: 50, want: []string{
			"joined ann 20 (rejoined) inferred", "left ann 50 (meeting_ended)",
		}},
		look{at: 61, rows: []string{"ann 6 10-20", "ann 3 15-"}, over: true, end: 50},
	)
}

func TestAnUnknownStatusIsNoInformation(t *testing.T) {
	visits := []string{"joined ann 10", "left ann 20", "joined ann 30 (rejoined)"}
	for name, tc := range map[string]struct {
		rows  []string
		after []string // when the row is closed at last
	}{
		"only row":             {[]string{"ann 7 30-"}, []string{"left ann 90"}},
		"undefined":            {[]string{"ann 0 30-"}, []string{"left ann 90"}},
		"beside older rows":    {[]string{"ann 6 10-20", "ann 7 30-"}, []string{"left ann 90"}},
		"beside a called one":  {[]string{"ann 2", "ann 99"}, []string{"left ann 90"}},
		"beside a closed one":  {[]string{"ann 6 30-50", "ann -1"}, []string{"left ann 90"}},
		"beside a later visit": {[]string{"ann 7 30-", "ann 3 50-"}, []string{"left ann 90"}},
	} {
		t.Run(name, func(t *testing.T) {
			script(t,
				look{at: 40, rows: []string{"ann 6 10-20", "ann 3 30-"}, want: visits},
				look{at: 60, rows: tc.rows},
				look{at: 70, rows: tc.rows},
				look{at: 80, rows: tc.rows},
				look{at: 99, rows: []string{"ann 6 10-20", "ann 6 30-90"}, want: tc.after},
			)
		})
	}
	t.Run("of somebody gone", func(t *testing.T) {
		script(t,
			look{at: 60, rows: []string{"ann 6 10-20", "ann 6 30-40"}, want: append(visits[:3:3], "left ann 40")},
			look{at: 70, rows: []string{"ann 6 10-20", "ann 6 30-40", "ann 7"}},
			look{at: 80, rows: []string{"ann 6 10-20", "ann 6 30-40", "ann 6 50-60", "ann 7"}},
			look{at: 90, rows: []string{"ann 6 10-20", "ann 3 85-", "ann 7"}, want: []string{"joined ann 85 (rejoined)"}},
		)
	})
}
