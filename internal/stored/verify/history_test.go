package verify_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/verify"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
	"github.com/c4342123/rollcall/poller"
)

// ended is the list of a meeting that was over 100 s after its beginning.
func ended(certain bool, rows ...diff.Row) shown {
	return shown{
		members: func() (poller.List, error) { return poller.List{Rows: rows, Certain: certain}, nil },
		info: func() (poller.Info, error) {
			return poller.Info{Ended: true, EndTime: streamtest.Begin + 100_000}, nil
		},
	}
}

// TestAMeetingThatIsOverIsComparedByItsHistory: nobody is in it according to either, which proves
// nothing.
func TestAMeetingThatIsOverIsComparedByItsHistory(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	rows := []diff.Row{
		left(active("ann", 1), 100), left(active("bob", 2), 50), left(active("bob", 51), 70), left(guest("gus", 3), 90), left(active("cho", 4), 9),
	}
	r.Watch("a", streamtest.Begin, diff.Description{})
	r.Commit("a", func(st *diff.State) diff.Result {
		res := diff.Compare(st, diff.Snapshot{
			Rows: rows, From: streamtest.Begin + 100_000, At: streamtest.Begin + 100_000, Via: events.ViaPoll,
			Over: true, EndTime: streamtest.Begin + 100_000,
		})
		return res.Then(diff.End{At: streamtest.Begin + 100_000, Reason: "ended"}.Apply(res.State))
	})
	without := func(gone int) []diff.Row {
		return append(append([]diff.Row{}, rows[:gone]...), rows[gone+1:]...)
	}
	with := func(more ...diff.Row) []diff.Row { return append(append([]diff.Row{}, rows...), more...) }
	changed := func(i int, row diff.Row) []diff.Row { return append(without(i), row) }
	const unannounced, unlisted, other = " attended, not announced", " announced, not listed", " announced with other times"
	for name, c := range map[string]struct {
		source shown
		want   []string
		listed int
		notes  int
	}{
		"the same":                      {ended(true, rows...), nil, 5, 1},
		"somebody was missed":           {ended(true, with(left(active("dan", 20), 30))...), []string{"dan" + unannounced}, 6, 1},
		"a visit was missed":            {ended(true, with(left(active("cho", 20), 30))...), []string{"cho" + unannounced}, 6, 1},
		"somebody was made up":          {ended(true, without(4)...), []string{"cho" + unlisted}, 4, 1},
		"an uncertain list lacks one":   {ended(false, without(4)...), nil, 4, 2},
		"only who stayed is listed":     {ended(true, rows[0]), nil, 1, 2},
		"a row was taken over":          {ended(true, without(1)...), nil, 4, 2},
		"a second device":               {ended(true, with(left(active("ann", 20), 30))...), nil, 5, 1},
		"left at another time":          {ended(true, changed(4, left(active("cho", 4), 40))...), []string{"cho" + other}, 5, 1},
		"a guest left earlier":          {ended(true, changed(3, left(guest("gus", 3), 85))...), []string{"guest:1700000003000:gus" + other}, 5, 1},
		"all but the same time":         {ended(true, changed(4, left(active("cho", 5), 8))...), nil, 5, 1},
		"rows that the end left open":   {ended(true, changed(0, active("ann", 1))...), nil, 5, 1},
		"somebody joined earlier":       {ended(true, changed(4, left(active("cho", 1), 9))...), []string{"cho" + other}, 5, 1},
		"somebody was there at the end": {ended(true, changed(4, active("cho", 80))...), []string{"cho" + unannounced}, 5, 2},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := verify.Run(t.Context(), verify.Options{JetStream: js, Source: c.source, Meeting: "a", Patience: time.Millisecond})
			require.NoError(t, err)
			assert.Equal(t, append([]string{}, c.want...), who(got))
			assert.True(t, got.Over)
			assert.Equal(t, []int{5, c.listed}, []int{got.Visits, got.Listed})
			assert.Len(t, got.Notes, c.notes, got.Notes)
		})
	}
	for name, source := range map[string]shown{"it shows nobody": ended(true), "it is not known": {members: notFound}} {
		t.Run(name, func(t *testing.T) {
			_, err := verify.Run(t.Context(), verify.Options{JetStream: js, Source: source, Meeting: "a", Patience: time.Millisecond})
			assert.ErrorIs(t, err, verify.ErrGone)
		})
	}
}
