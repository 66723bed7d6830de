package diff_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
)

func TestAGuestWhoIsRenamedStays(t *testing.T) {
	joined := look{at: 20, rows: []string{"?Guest 3 10-", "ann 3 5-"}, want: []string{"joined ann 5", "joined Guest 10"}}
	for name, looks := range map[string][]look{
		"and leaves": {
			{at: 30, rows: []string{"?Bob 3 10-", "ann 3 5-"}},
			{at: 40, rows: []string{"?Bob 6 10-35", "ann 3 5-"}, want: []string{"left Guest 35"}},
			{at: 50, rows: []string{"?Bob 6 10-35", "ann 3 5-"}},
		},
		"again and again": {
			{at: 30, rows: []string{"ann 3 5-", "?Bob 3 10-"}},
			{at: 40, rows: []string{"?Cat 3 10-", "ann 3 5-"}},
			{at: 50, rows: []string{"?Guest 3 10-", "ann 3 5-"}},
			{at: 60, rows: []string{"?Bob 6 10-55", "ann 3 5-"}, want: []string{"left Guest 55"}},
		},
		"after having left": {
			{at: 30, rows: []string{"?Guest 6 10-25", "ann 3 5-"}, want: []string{"left Guest 25"}},
			{at: 40, rows: []string{"?Bob 6 10-25", "ann 3 5-"}},
		},
		"in the closing list": {
			{at: 40, over: true, end: 39, rows: []string{"?Bob 3 10-", "ann 6 5-39"}, want: []string{"left ann 39", "left Guest 39 (meeting_ended)"}},
		},
		"on two devices": {
			{at: 30, rows: []string{"?Bob 3 10-", "?Bob 6 10-12", "ann 3 5-"}},
			{at: 40, rows: []string{"?Bob 6 10-35", "?Bob 6 10-12", "ann 3 5-"}, want: []string{"left Guest 35"}},
		},
		"where somebody else joins": {
			{at: 30, rows: []string{"?Guest 3 25-", "?Bob 3 10-", "ann 3 5-"}, want: []string{"joined Guest 25"}},
			{at: 40, rows: []string{"?Guest 3 25-", "?Bob 6 10-35", "ann 3 5-"}, want: []string{"left Guest 35"}},
		},
		"found by an uncertain list first": {
			{at: 30, kind: diff.Uncertain, rows: []string{"?Bob 3 10-", "?Dan 3 28-"}, want: []string{"joined Dan 28"}},
			{at: 40, rows: []string{"?Bob 3 10-", "ann 3 5-", "?Dan 3 28-"}},
			{at: 50, kind: diff.Uncertain, rows: []string{"?Bob 6 10-45"}},
			{at: 51, kind: diff.Uncertain, rows: []string{"?Bob 6 10-45"}, want: []string{"left Guest 45"}},
		},
		"one look after the row was gone": {
			{at: 30, rows: []string{"ann 3 5-"}, now: true},
			{at: 40, rows: []string{"?Bob 3 10-", "ann 3 5-"}},
			{at: 50, rows: []string{"ann 3 5-"}, now: true},
			{at: 60, rows: []string{"ann 3 5-"}, want: []string{"left Guest 60 (vanished) inferred"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := script(t, joined)
			for _, l := range looks {
				s = replay(t, roundTrip(t, replay(t, s, l)))
				for p := range s.People() {
					assert.Contains(t, []string{"Guest", "ann", "Dan"}, p.UserNick)
				}
			}
			require.LessOrEqual(t, s.Size(), 3)
		})
	}
}

func TestAGuestFirstSeenWithoutATimeStays(t *testing.T) {
	for name, looks := range map[string][]look{
		"and gets one": {
			{at: 20, rows: []string{"?Guest 3"}, want: []string{"joined Guest 20 inferred"}},
			{at: 30, rows: []string{"?Guest 3 18-"}},
			{at: 40, rows: []string{"?Guest 6 18-35"}, want: []string{"left Guest 35"}},
		},
		"was only called": {
			{at: 20, rows: []string{"?Guest 2"}},
			{at: 30, rows: []string{"?Guest 3 25-"}, want: []string{"joined Guest 25"}},
		},
		"and loses one": {
			{at: 20, rows: []string{"?Guest 3 18-"}, want: []string{"joined Guest 18"}},
			{at: 30, rows: []string{"?Guest 3"}},
			{at: 40, rows: []string{"?Guest 3 18-"}},
		},
		"and is renamed later": {
			{at: 20, rows: []string{"?Guest 3"}, want: []string{"joined Guest 20 inferred"}},
			{at: 30, rows: []string{"?Guest 3 18-"}},
			{at: 40, rows: []string{"?Bob 3 18-"}},
			{at: 50, rows: []string{"?Bob 6 18-45"}, want: []string{"left Guest 45"}},
		},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, 1, script(t, looks...).Size()) })
	}
}

// TestAGuestWhoseTimeIsWrittenOtherwiseStays: times that differ by less than two seconds are the
// same time, as with anybody.
func TestAGuestWhoseTimeIsWrittenOtherwiseStays(t *testing.T) {
	joined := look{at: 20, rows: []string{"?Guest 3 10.4-"}, want: []string{"joined Guest 10.4"}}
	for name, looks := range map[string][]look{
		"and leaves": {
			{at: 30, rows: []string{"?Guest 3 10-"}},
			{at: 40, rows: []string{"?Guest 3 10.4-"}},
			{at: 50, rows: []string{"?Guest 6 10-45"}, want: []string{"left Guest 45"}},
		},
		"and is renamed": {
			{at: 30, rows: []string{"?Guest 3 10-"}},
			{at: 40, rows: []string{"?Bob 3 10-"}},
			{at: 50, rows: []string{"?Bob 6 10.4-45"}, want: []string{"left Guest 45"}},
		},
		"beside somebody of the name": {
			{at: 30, rows: []string{"?Guest 3 10-", "?Guest 3 25-"}, want: []string{"joined Guest 25"}},
			{at: 40, rows: []string{"?Guest 6 10-35", "?Guest 3 25.7-"}, want: []string{"left Guest 35"}},
		},
		"is not for two of whom either may be it": {
			{at: 30, rows: []string{"?Guest 3 10-", "?Guest 3 11-"}, want: []string{"joined Guest 10", "joined Guest 11"}, now: true},
		},
		"is not for two seconds": {
			{at: 30, rows: []string{"?Guest 3 12.4-"}, want: []string{"joined Guest 12.4"}, now: true},
		},
	} {
		t.Run(name, func(t *testing.T) { script(t, append([]look{joined}, looks...)...) })
	}
}

// TestGuestsWhoCannotBeToldApartAreNotMatched has several gone and several new.
func TestGuestsWhoCannotBeToldApartAreNotMatched(t *testing.T) {
	for name, looks := range map[string][]look{
		"two of one time": {
			{at: 20, rows: []string{"?A 3 10-", "?B 3 10-"}, want: []string{"joined A 10", "joined B 10"}},
			{at: 30, rows: []string{"?C 3 10-", "?D 3 10-"}, want: []string{"joined C 10", "joined D 10"}, now: true},
		},
		"two of whom one is new": {
			{at: 20, rows: []string{"?A 3 10-"}, want: []string{"joined A 10"}},
			{at: 30, rows: []string{"?C 3 10-", "?D 3 10-"}, want: []string{"joined C 10", "joined D 10"}, now: true},
		},
		"of one name and two times": {
			{at: 20, rows: []string{"?Guest 3 10-"}, want: []string{"joined Guest 10"}},
			{at: 30, rows: []string{"?Guest 3 15-"}, want: []string{"joined Guest 15"}, now: true},
		},
		"one of no time, two of the name": {
			{at: 20, rows: []string{"?Guest 3"}, want: []string{"joined Guest 20 inferred"}},
			{at: 30, rows: []string{"?Guest 3 25-", "?Guest 3 26-"}, want: []string{"joined Guest 25", "joined Guest 26"}, now: true},
		},
		"one who is there still": {
			{at: 20, rows: []string{"?A 3 10-"}, want: []string{"joined A 10"}},
			{at: 30, rows: []string{"?A 3 10-", "?B 3 10-"}, want: []string{"joined B 10"}},
		},
		"somebody with a unionId": {
			{at: 20, rows: []string{"?A 3 10-"}, want: []string{"joined A 10"}},
			{at: 30, rows: []string{"ann 3 10-"}, want: []string{"joined ann 10"}, now: true},
		},
	} {
		t.Run(name, func(t *testing.T) { script(t, looks...) })
	}
	// Two who can be told apart by their times are.
	script(t,
		look{at: 20, rows: []string{"?A 3 10-", "?B 3 12-"}, want: []string{"joined A 10", "joined B 12"}},
		look{at: 30, rows: []string{"?C 3 12-", "?D 3 10-"}},
		look{at: 40, rows: []string{"?C 6 12-35", "?D 3 10-"}, want: []string{"left B 35"}},
	)
}

// TestManyRenamedGuestsAreFound renames everybody, in steps too, and has others come.
func TestManyRenamedGuestsAreFound(t *testing.T) {
	list := func(name string, n int) (rows []string) {
		for i := range n {
			rows = append(rows, fmt.Sprintf("?%s%d 3 %d-", name, i, 10+i))
		}
		return rows
	}
	s := diff.Compare(diff.New("m1"), look{at: 200, rows: list("a", 100)}.snapshot()).State
	for round := range 3 {
		res := diff.Compare(s, look{at: 210 + float64(round), rows: list(fmt.Sprint("b", round), 100+10*round)}.snapshot())
		require.Len(t, res.Events, min(10*round, 10))
		for _, step := range res.Steps(3) {
			for p := range step.State.People() {
				require.NotContains(t, p.UserNick, "guest:")
			}
		}
		s = roundTrip(t, res.State)
	}
	require.Equal(t, 120, s.Active)
	for p := range s.People() {
		require.Contains(t, p.Key, ":"+p.UserNick)
	}
}

// TestGuestsAreRenamedAtAnyTime plays histories whose guests take another name now and then: but
// for the name, every guest comes and goes as they did, each under one key.
func TestGuestsAreRenamedAtAnyTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		p := newPlayer(t)
		every := rapid.Int64Range(1000, 300_000).Draw(t, "every")
		renamed := func(at int64) []diff.Row {
			rows := o.list(at)
			for i := range rows {
				if rows[i].UnionID == "" {
					rows[i].UserNick = fmt.Sprint("Guest ", (at-epoch)/every)
				}
			}
			return rows
		}
		for _, at := range pollTimes(t, o) {
			p.take(diff.Snapshot{Rows: renamed(at), From: at, At: at})
		}
		at := o.end + 5000
		p.take(diff.Snapshot{Rows: renamed(at), From: at, At: at, Over: true, EndTime: o.end})
		p.alternates()
		require.Equal(t, nameless(o.truth()), nameless(p.facts()))
	})
}

// nameless takes the names out of the keys of guests.
func nameless(facts []fact) []fact {
	for i := range facts {
		if guest := strings.Split(facts[i].person, ":"); len(guest) == 3 {
			facts[i].person = guest[1]
		}
	}
	return sorted(facts)
}
