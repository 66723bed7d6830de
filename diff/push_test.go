package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
)

func TestPushes(t *testing.T) {
	complete := func(at float64, want []string, rows ...string) look { return look{at: at, rows: rows, want: want} }
	uncertain := func(at float64, want []string, rows ...string) look {
		return look{at: at, kind: diff.Uncertain, rows: rows, want: want}
	}
	push := func(at float64, row string, want ...string) look {
		return look{at: at, kind: diff.Partial, rows: []string{row}, want: want}
	}
	asks := func(at float64, row string) look {
		return look{at: at, kind: diff.Partial, rows: []string{row}, now: true}
	}
	joined := []string{"joined ann 10"}
	for name, looks := range map[string][]look{
		"a join is announced at once":    {push(12, "ann 3 10-", joined...), complete(20, nil, "ann 3 10-")},
		"a join carries a leaveTime":     {push(12, "ann 3 10-11", joined...), complete(20, nil, "ann 3 10-")},
		"a join, doubled":                {push(12, "ann 3 10-", joined...), push(13, "ann 3 10-"), complete(20, nil, "ann 3 10-")},
		"a join, rounded by the poll":    {push(12, "ann 3 10.6-", "joined ann 10.6"), complete(20, nil, "ann 3 10-")},
		"a join, rounded up by the poll": {push(12, "ann 3 10-", joined...), complete(20, nil, "ann 3 11-")},
		"a rejoin": {
			complete(25, []string{"joined ann 10", "left ann 20"}, "ann 6 10-20"),
			push(31, "ann 3 30-", "joined ann 30 (rejoined)"),
		},
		"an end, of the only device": {complete(15, joined, "ann 3 10-"), push(21, "ann 6 10-20", "left ann 20")},
		"a kick, of the only device": {complete(15, joined, "ann 3 10-"), push(21, "ann 5 10-20", "kicked ann 20")},
		"an end, doubled": {
			complete(15, joined, "ann 3 10-"), push(21, "ann 6 10-20", "left ann 20"), push(22, "ann 6 10-20"),
			complete(30, nil, "ann 6 10-20"),
		},
		"an end, no look yet":   {push(12, "ann 3 10-", joined...), asks(21, "ann 6 10-20")},
		"an end of two devices": {complete(15, joined, "ann 3 10-", "ann 3 12-"), asks(21, "ann 6 10-20")},
		"an end, another device pushed since": {
			complete(15, joined, "ann 3 10-"), push(17, "ann 3 16-"), asks(21, "ann 6 10-20"),
			complete(25, nil, "ann 6 10-20", "ann 3 16-"),
		},
		"an end, another device pushed, of almost the same time": {
			complete(15, joined, "ann 3 10-"), push(17, "ann 3 10.5-"), asks(21, "ann 6 10-20"),
		},
		"an end, one device again at the next look": {
			complete(15, joined, "ann 3 10-"), push(17, "ann 3 16-"), complete(18, nil, "ann 3 10-"),
			push(21, "ann 6 10-20", "left ann 20"),
		},
		"an end, the last look was uncertain": {
			uncertain(15, joined, "ann 3 10-"), asks(21, "ann 6 10-20"),
		},
		"an end, the last complete look had one row": {
			complete(15, joined, "ann 3 10-"), uncertain(16, nil, "ann 3 10-"), push(21, "ann 6 10-20", "left ann 20"),
		},
		"an end, an uncertain look showed two": {
			complete(15, joined, "ann 3 10-"), uncertain(16, nil, "ann 3 10-", "ann 3 11-"), asks(21, "ann 6 10-20"),
		},
		"an end, an uncertain look is no reason to forget the other device": {
			complete(15, joined, "ann 3 10-"), push(17, "ann 3 16-"), uncertain(18, nil, "ann 3 10-"), asks(21, "ann 6 10-20"),
		},
		"an end, the last complete look lacked the person": {
			complete(15, joined, "ann 3 10-"), {at: 16, now: true}, asks(21, "ann 6 10-20"),
		},
		"an end of another start":      {complete(15, joined, "ann 3 10-"), asks(21, "ann 6 14-20")},
		"an end of nearly that start":  {complete(15, joined, "ann 3 10-"), asks(21, "ann 6 10.5-20")},
		"an end without a leaveTime":   {complete(15, joined, "ann 3 10-"), asks(21, "ann 6 10-")},
		"an end without any time":      {complete(15, joined, "ann 3 10-"), asks(21, "ann 6")},
		"an end of nobody":             {asks(21, "ann 6 10-20")},
		"an open row without a start":  {asks(21, "ann 3")},
		"the same of somebody present": {complete(15, joined, "ann 3 10-"), push(21, "ann 3")},
		"an old end": {
			complete(35, []string{"joined ann 10", "left ann 20", "joined ann 30 (rejoined)"}, "ann 6 10-20", "ann 3 30-"),
			push(36, "ann 6 10-20"),
		},
		"an old join": {complete(25, []string{"joined ann 10", "left ann 20"}, "ann 6 10-20"), asks(36, "ann 3 10-")},
		"an older join": {
			complete(45, []string{"joined ann 10", "left ann 20", "joined ann 30 (rejoined)", "left ann 40"}, "ann 6 10-20", "ann 6 30-40"),
			asks(46, "ann 3 10-"),
		},
		"a join inside a visit": {complete(25, []string{"joined ann 10", "left ann 20"}, "ann 6 10-20"), asks(36, "ann 3 15-")},
		"a join at the very end": {
			complete(25, []string{"joined ann 10", "left ann 20"}, "ann 6 10-20"),
			push(36, "ann 3 20-", "joined ann 20 (rejoined)"),
		},
		"an invitation":                {push(21, "ann 2"), push(22, "ann 1"), push(23, "ann 4")},
		"an invitation of the present": {complete(15, joined, "ann 3 10-"), asks(21, "ann 2")},
		"an unknown status":            {complete(15, joined, "ann 3 10-"), push(21, "ann 7 10-20"), push(22, "ann 0")},
		"without a usable id":          {asks(21, "?ann 3 10-"), complete(22, []string{"joined ann 10"}, "?ann 3 10-"), asks(23, "?ann 6 10-22")},
		"everybody else is left alone": {
			complete(15, []string{"joined ann 10", "joined bob 11"}, "ann 3 10-", "bob 3 11-"),
			push(21, "ann 6 10-20", "left ann 20"),
			complete(25, nil, "ann 6 10-20", "bob 3 11-"),
		},
		"a reset row does not say ends": {
			complete(15, joined, "ann 3 10-"),
			push(31, "ann 3 30-20"),
			complete(35, []string{"left ann 20", "joined ann 30 (rejoined)"}, "ann 3 30-20"),
		},
	} {
		t.Run(name, func(t *testing.T) { script(t, looks...) })
	}
}

func TestAPushChangesNoRoles(t *testing.T) {
	s := script(t, look{at: 15, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}})
	snap := look{at: 20, kind: diff.Partial, rows: []string{"ann 3 10-"}}.snapshot()
	snap.Rows[0].Host, snap.Rows[0].UserNick = true, "Annie"
	res := diff.Compare(s, snap)
	require.False(t, res.Changed)
	for p := range res.State.People() {
		require.False(t, p.Host)
		require.Equal(t, "ann", p.UserNick)
	}
}

func TestAPushSaysSo(t *testing.T) {
	s := script(t, look{at: 15, rows: []string{"bob 3 10-"}, want: []string{"joined bob 10"}})
	res := diff.Compare(s, look{at: 20, kind: diff.Partial, rows: []string{"ann 3 18-"}}.snapshot())
	require.Len(t, res.Events, 1)
	m := res.Events[0].Member
	require.Equal(t, events.ViaPush, m.Via)
	require.Equal(t, ms(15), m.ObservedAfter)
	require.Equal(t, ms(20), m.ObservedBefore)
	require.Equal(t, ms(15), res.State.LookedAt, "a push is no look")
}
