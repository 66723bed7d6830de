package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
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
	first := func(at float64) look { // the first complete look that lacks ann asks for another
		return look{at: at, rows: []string{"bob 3 10-"}, now: true}
	}
	const vanished = "left ann 40 (vanished) inferred"
	t.Run("two", func(t *testing.T) {
		script(t, present, first(30), gone(40, diff.Complete, vanished), gone(50, diff.Complete))
	})
	t.Run("uncertain looks prove nothing", func(t *testing.T) {
		script(t, present, gone(30, diff.Uncertain), first(35), gone(36, diff.Uncertain), gone(37, diff.Uncertain),
			gone(40, diff.Complete, vanished))
	})
	t.Run("listed in between", func(t *testing.T) {
		script(t, present, first(30), look{at: 35, rows: present.rows}, first(38),
			gone(40, diff.Complete, vanished))
	})
	t.Run("listed in between by an uncertain look", func(t *testing.T) {
		script(t, present, first(30), look{at: 35, kind: diff.Uncertain, rows: present.rows},
			first(38), gone(40, diff.Complete, vanished))
	})
	t.Run("pushes prove nothing", func(t *testing.T) {
		script(t, present, first(30), gone(35, diff.Partial), gone(40, diff.Complete, vanished))
	})
	t.Run("one look twice is one look", func(t *testing.T) {
		script(t, present, first(30), first(30), gone(40, diff.Complete, vanished))
	})
	t.Run("back after all", func(t *testing.T) {
		script(t, present, first(30), gone(40, diff.Complete, vanished),
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
			look{at: 38, rows: rows, now: true},
			look{at: 39, kind: diff.Uncertain, rows: rows},
			look{at: 40, rows: rows, want: []string{vanished}},
		)
	})
	t.Run("only older rows are left", func(t *testing.T) {
		script(t,
			look{at: 35, rows: []string{"ann 6 10-20", "ann 3 30-"}, want: []string{
				"joined ann 10", "left ann 20", "joined ann 30 (rejoined)",
			}},
			look{at: 36, rows: []string{"ann 6 10-20"}, now: true},
			look{at: 40, rows: []string{"ann 6 10-20"}, want: []string{vanished}},
			look{at: 50, rows: []string{"ann 6 10-20"}},
		)
	})
}
