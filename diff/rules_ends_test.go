package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/stretchr/testify/require"
)

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
