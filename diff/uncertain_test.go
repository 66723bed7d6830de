package diff_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
)

func uncertain(at float64, want []string, rows ...string) look {
	return look{at: at, kind: diff.Uncertain, rows: rows, want: want}
}

func TestUncertainAnOverlookedDeviceEndsNothing(t *testing.T) {
	both := look{at: 20, rows: []string{"ann 3 10-", "ann 3 15-"}, want: []string{"joined ann 10"}}
	t.Run("that was listed", func(t *testing.T) {
		script(t, both,
			uncertain(30, nil, "ann 6 10-25"),
			uncertain(31, nil, "ann 6 10-25"),
			uncertain(32, nil, "ann 6 10-25"),
			look{at: 40, rows: []string{"ann 6 10-25", "ann 3 15-"}},
			uncertain(41, nil, "ann 6 10-25"),
			uncertain(50, nil, "ann 6 10-25", "ann 6 15-45"),
			uncertain(51, []string{"left ann 45"}, "ann 6 10-25", "ann 6 15-45"),
		)
	})
	t.Run("that was pushed", func(t *testing.T) {
		script(t,
			look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
			look{at: 21, kind: diff.Partial, rows: []string{"ann 3 21-"}},
			uncertain(30, nil, "ann 6 10-25"),
			uncertain(31, nil, "ann 6 10-25"),
			look{at: 40, rows: []string{"ann 6 10-25", "ann 3 21-"}},
		)
	})
	t.Run("that nobody had seen", func(t *testing.T) {
		script(t,
			look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
			uncertain(30, nil, "ann 6 10-25"),
			uncertain(31, nil, "ann 6 10-25", "ann 3 21-"),
			uncertain(32, nil, "ann 6 10-25"),
			look{at: 40, rows: []string{"ann 6 10-25", "ann 3 21-"}},
		)
	})
	t.Run("when only one that came later is listed", func(t *testing.T) {
		script(t,
			look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}},
			uncertain(30, nil, "ann 6 10-25"),
			uncertain(35, nil, "ann 3 31-"),
			look{at: 40, rows: []string{"ann 6 10-25", "ann 3 21-", "ann 3 31-"}},
		)
	})
	t.Run("of somebody whose visit before was yet to be announced", func(t *testing.T) {
		script(t,
			uncertain(30, nil, "ann 5 10-25"),
			uncertain(35, []string{"joined ann 10", "kicked ann 25", "joined ann 31 (rejoined)"}, "ann 5 10-25", "ann 3 31-"),
		)
	})
	t.Run("of somebody new", func(t *testing.T) {
		script(t,
			uncertain(30, nil, "ann 6 10-25"),
			uncertain(31, []string{"joined ann 10"}, "ann 6 10-25", "ann 3 21-"),
		)
	})
	t.Run("and a look without the person", func(t *testing.T) {
		script(t, both,
			uncertain(30, nil, "ann 6 10-25"),
			uncertain(31, nil),
			look{at: 40, rows: []string{"ann 6 10-25", "ann 3 15-"}},
		)
	})
}

func TestUncertainAnOverlookedRejoinEndsNothing(t *testing.T) {
	back := look{at: 35, rows: []string{"ann 6 10-20", "ann 3 30-"}, want: []string{
		"joined ann 10", "left ann 20", "joined ann 30 (rejoined)",
	}}
	t.Run("the visit before is listed", func(t *testing.T) {
		script(t, back,
			uncertain(40, nil, "ann 6 10-20"),
			uncertain(41, nil, "ann 6 10-20"),
			look{at: 42, rows: []string{"ann 6 10-20", "ann 3 30-"}},
		)
	})
	t.Run("another device is listed", func(t *testing.T) {
		script(t, back,
			uncertain(40, nil, "ann 6 10-20", "ann 3 38-"),
			look{at: 42, rows: []string{"ann 6 10-20", "ann 3 30-", "ann 3 38-"}},
		)
	})
	t.Run("another device that came again is listed", func(t *testing.T) {
		script(t, back,
			uncertain(40, nil, "ann 3 38-36"),
			look{at: 42, rows: []string{"ann 3 30-", "ann 3 38-36"}},
		)
	})
	t.Run("another device rings", func(t *testing.T) {
		script(t, back,
			uncertain(40, nil, "ann 2"),
			look{at: 42, rows: []string{"ann 2", "ann 3 30-"}},
		)
	})
	t.Run("another device has gone, nobody knows when", func(t *testing.T) {
		script(t, back,
			uncertain(40, nil, "ann 6"),
			look{at: 42, rows: []string{"ann 6", "ann 3 30-"}},
		)
	})
}

// TestUncertainForEver: what totalCount counts may be something else, for a meeting's whole life.
func TestUncertainForEver(t *testing.T) {
	script(t,
		uncertain(20, []string{"joined ann 10", "joined bob 12"}, "ann 3 10-", "bob 3 12-", "cay 6 5-8"),
		uncertain(30, []string{"joined cay 5", "left cay 8"}, "ann 6 10-25", "bob 3 12-", "cay 6 5-8"),
		uncertain(40, []string{"left ann 25"}, "ann 6 10-25", "bob 6 12-38", "cay 6 5-8"),
		uncertain(50, []string{"left bob 38", "joined ann 45 (rejoined)"}, "ann 6 10-25", "ann 3 45-", "bob 6 12-38", "cay 6 5-8"),
	)
}

func TestUncertainOfSeveralVisitsTheFirstIsAnnounced(t *testing.T) {
	rows := []string{"ann 6 10-20", "ann 3 30-"}
	t.Run("and a certain list tells the rest", func(t *testing.T) {
		script(t,
			uncertain(35, []string{"joined ann 10"}, rows...),
			look{at: 40, rows: rows, want: []string{"left ann 20", "joined ann 30 (rejoined)"}},
		)
	})
	t.Run("and the rest is told when all are over", func(t *testing.T) {
		gone := []string{"ann 6 10-20", "ann 6 30-45"}
		script(t,
			uncertain(35, []string{"joined ann 10"}, rows...),
			uncertain(40, nil, rows...),
			uncertain(50, nil, gone...),
			uncertain(51, []string{"left ann 20", "joined ann 30 (rejoined)", "left ann 45"}, gone...),
		)
	})
	t.Run("and it was one visit", func(t *testing.T) {
		script(t,
			uncertain(35, []string{"joined ann 10"}, rows...),
			look{at: 40, rows: append([]string{"ann 3 15-"}, rows...)},
		)
	})
}

func TestUncertainLateAndUntrue(t *testing.T) {
	gone := look{at: 35, rows: []string{"ann 6 20-30"}, want: []string{"joined ann 20", "left ann 30"}}
	t.Run("a visit from before", func(t *testing.T) {
		late := []string{"joined ann 10 (rejoined)", "left ann 15"}
		script(t, gone,
			uncertain(40, nil, "ann 6 10-15", "ann 6 20-30"),
			uncertain(41, late, "ann 6 10-15", "ann 6 20-30"),
		)
		script(t, gone,
			uncertain(40, nil, "ann 6 10-15", "ann 6 20-30"),
			look{at: 41, rows: []string{"ann 6 10-15", "ann 6 20-30"}, want: late},
		)
	})
	t.Run("another device had gone on", func(t *testing.T) {
		more := []string{"joined ann 30 (rejoined) inferred", "left ann 34"}
		script(t, gone,
			uncertain(40, nil, "ann 6 20-30", "ann 6 25-34"),
			uncertain(41, more, "ann 6 20-30", "ann 6 25-34"),
		)
	})
	t.Run("another device goes on", func(t *testing.T) {
		script(t, gone,
			uncertain(40, []string{"joined ann 30 (rejoined) inferred"}, "ann 6 20-30", "ann 3 25-"),
		)
	})
}

func TestUncertainAtTheEnd(t *testing.T) {
	end := func(want []string, rows ...string) look {
		return look{at: 70, kind: diff.Uncertain, over: true, end: 60, rows: rows, want: want}
	}
	one := look{at: 20, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}}
	two := look{at: 20, rows: []string{"ann 3 10-", "ann 3 15-"}, want: []string{"joined ann 10"}}
	back := look{at: 35, rows: []string{"ann 6 10-20", "ann 3 30-"}, want: []string{
		"joined ann 10", "left ann 20", "joined ann 30 (rejoined)",
	}}
	toTheEnd := []string{"left ann 60 (meeting_ended)"}
	t.Run("what is listed counts", func(t *testing.T) { script(t, one, end([]string{"left ann 40"}, "ann 6 10-40")) })
	t.Run("all devices", func(t *testing.T) {
		script(t, two, end([]string{"left ann 50"}, "ann 6 10-40", "ann 6 15-50"))
	})
	t.Run("one of two devices", func(t *testing.T) { script(t, two, end(toTheEnd, "ann 6 10-40")) })
	t.Run("none", func(t *testing.T) { script(t, one, end(toTheEnd)) })
	t.Run("the visit before", func(t *testing.T) { script(t, back, end(toTheEnd, "ann 6 10-20")) })
	t.Run("a visit after", func(t *testing.T) { script(t, back, end(toTheEnd, "ann 6 10-20", "ann 6 50-60")) })
	t.Run("somebody new", func(t *testing.T) {
		script(t, one, end([]string{"joined bob 30", "left bob 40", "left ann 60 (meeting_ended)"}, "bob 6 30-40"))
	})
}

// TestUncertainFirstListMarksWhatWasBefore, though it is told with the second.
func TestUncertainFirstListMarksWhatWasBefore(t *testing.T) {
	s := diff.Start{At: ms(30)}.Apply(diff.New("m1")).State
	rows := []string{"ann 6 10-20", "bob 6 10-31"}
	s = replay(t, s, uncertain(32, nil, rows...))
	res := diff.Compare(s, uncertain(40, nil, rows...).snapshot())
	require.Equal(t, []string{"joined ann 10", "joined bob 10", "left ann 20", "left bob 31"}, lines(res.Events))
	for i, want := range []bool{true, true, true, false} {
		require.Equal(t, want, res.Events[i].Member.Initial, i)
	}
}

// TestUncertainNobodyWhoStayedLeaves plays histories of people with several devices, with lists
// that overlook rows, though none twice in a row.
func TestUncertainNobodyWhoStayedLeaves(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		p := newPlayer(t)
		overlooked := map[string]bool{}
		last := int64(0)
		for _, at := range pollTimes(t, o) {
			if at <= last {
				continue
			}
			last = at
			snap := diff.Snapshot{Rows: o.list(at), From: at, At: at}
			if rapid.IntRange(0, 3).Draw(t, "uncertain") > 0 {
				snap.Kind = diff.Uncertain
				overlooked = overlook(t, &snap, overlooked)
			} else {
				clear(overlooked)
			}
			before := p.present()
			p.take(snap)
			p.alternates()
			for _, who := range before {
				if o.stayed(who, p.joined(who), at) {
					require.Contains(t, p.present(), who, "at +%d ms", at-epoch)
				}
			}
			if snap.Kind == diff.Complete {
				require.Equal(t, o.present(at), p.present(), "at +%d ms", at-epoch)
			}
		}
		p.finish(o)
		p.alternates()
		require.Zero(t, p.state.Active)
	})
}

// overlook takes out rows of people of whom the look before has overlooked none.
func overlook(t *rapid.T, snap *diff.Snapshot, before map[string]bool) map[string]bool {
	now := map[string]bool{}
	snap.Rows = slices.DeleteFunc(snap.Rows, func(r diff.Row) bool {
		who := r.UnionID
		if who == "" {
			who = fmt.Sprintf("guest:%d:%s", r.JoinTime, r.UserNick)
		}
		if before[who] || rapid.IntRange(0, 2).Draw(t, "overlooked") > 0 {
			return false
		}
		now[who] = true
		return true
	})
	return now
}

// stayed tells whether somebody was there all the time: visits that merely touch are two
// attendances.
func (o *oracle) stayed(who string, from, to int64) bool {
	for at := from; ; {
		until := at
		for _, v := range o.byKey()[who] {
			if left := v.left; v.joined < at || v.joined == from {
				if left == 0 {
					left = o.end
				}
				until = max(until, left)
			}
		}
		if until > to || until == at {
			return until > to
		}
		at = until
	}
}

// joined is when somebody's last announced attendance began.
func (p *player) joined(who string) int64 {
	for person := range p.state.People() {
		if person.Key == who {
			return person.JoinTime
		}
	}
	return 0
}
