package diff_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

func reloaded(t *testing.T, s *diff.State) *diff.State {
	t.Helper()
	data, err := s.MarshalBinary()
	require.NoError(t, err)
	again, err := diff.UnmarshalState(data)
	require.NoError(t, err)
	return again
}

func TestStartIsAnnouncedOncePerWatch(t *testing.T) {
	s := diff.New("m1").Watch(diff.Description{Title: "Weekly", CreatorID: "u1", CreatorNick: "Ann", StartTime: epoch})
	first := diff.Start{At: epoch + 5}.Apply(s)
	require.Len(t, first.Events, 1)
	e := first.Events[0]
	assert.Equal(t, events.MeetingStarted, e.Type)
	assert.Equal(t, epoch+5, e.Time.UnixMilli())
	assert.Zero(t, e.Sequence)
	assert.Equal(t, &events.Meeting{
		ConferenceID: "m1", Title: "Weekly", CreatorID: "u1", CreatorNick: "Ann", StartTime: epoch, Reason: "watched",
	}, e.Meeting)
	assert.Empty(t, diff.Start{At: epoch + 6}.Apply(reloaded(t, first.State)).Events, "announced before")

	again := diff.Start{At: epoch + 7}.Apply(first.State.WithPhase(diff.Unwatched).Watch(diff.Description{}))
	require.Len(t, again.Events, 1)
	assert.NotEqual(t, e.ID, again.Events[0].ID)
	assert.Equal(t, "Weekly", again.Events[0].Meeting.Title)
	assert.Empty(t, diff.Start{At: epoch}.Apply(diff.New("m1").WithPhase(diff.Ended)).Events, "not watched")
}

func TestGapIsAnnouncedWhenItOpensAndWhenItCloses(t *testing.T) {
	opened := diff.Gap{From: epoch, At: epoch + 1, Reason: "throttled"}.Apply(diff.New("m1"))
	require.Len(t, opened.Events, 1)
	assert.Equal(t, &events.Gap{ConferenceID: "m1", From: epoch, Reason: "throttled"}, opened.Events[0].Gap)
	assert.Equal(t, epoch, opened.Events[0].Time.UnixMilli())
	s := reloaded(t, opened.State)
	assert.Empty(t, diff.Gap{From: epoch + 1, At: epoch + 2, Reason: "unavailable"}.Apply(s).Events, "one is open")

	closed := diff.CloseGap(s, epoch+90_000)
	require.Len(t, closed.Events, 1)
	assert.Equal(t, &events.Gap{ConferenceID: "m1", From: epoch, To: epoch + 90_000, Reason: "throttled"}, closed.Events[0].Gap)
	assert.Equal(t, epoch+90_000, closed.Events[0].Time.UnixMilli())
	assert.NotEqual(t, opened.Events[0].ID, closed.Events[0].ID)
	assert.Empty(t, diff.CloseGap(closed.State, epoch).Events, "none is open")
	assert.Empty(t, diff.Gap{From: epoch, At: epoch + 2, Reason: "x"}.Apply(s.WithPhase(diff.Ended)).Events, "not watched")
	seen := diff.Compare(diff.New("m1"), diff.Snapshot{From: epoch + 1, At: epoch + 2}).State
	assert.Empty(t, diff.Gap{Since: diff.New("m1").Mark(), From: epoch, At: epoch + 2, Reason: "x"}.Apply(seen).Events, "looked at since")
	assert.Equal(t, epoch, diff.CloseGap(s, epoch-1).Events[0].Gap.To, "a gap does not end before it began")
}

// TestTheCreatorStandsInTheStartAlone: whoever is forgotten leaves the end of a meeting as it is.
func TestTheCreatorStandsInTheStartAlone(t *testing.T) {
	s := diff.New("m1").Watch(diff.Description{Title: "Weekly", CreatorID: "c1", CreatorNick: "Chris"})
	res := diff.Start{At: epoch}.Apply(s)
	require.Len(t, res.Events, 1)
	fold := diff.NewFold("m1")
	fold.Add(res.Events[0])
	assert.Equal(t, "c1", res.Events[0].Meeting.CreatorID)
	res = diff.All{diff.Snapshot{Kind: diff.Complete, At: epoch + 1, Over: true, EndTime: epoch + 1}, diff.End{At: epoch + 1, Reason: events.EndClosed}}.Apply(res.State)
	require.Len(t, res.Events, 1)
	assert.Empty(t, res.Events[0].Meeting.CreatorID)
	assert.Empty(t, res.Events[0].Meeting.CreatorNick)
	assert.Equal(t, "Weekly", res.Events[0].Meeting.Title)
	fold.Add(res.Events[0])
	assert.Equal(t, "Chris", fold.State().CreatorNick, "a state that is made of events keeps it")
}

func TestAnUpdateThatTellsTheEndIsOne(t *testing.T) {
	fold := diff.NewFold("m1")
	fold.Add(events.Event{Type: events.MeetingUpdated, Meeting: &events.Meeting{ConferenceID: "m1", EndTime: epoch}})
	assert.Equal(t, diff.Ended, fold.State().Phase)
}

func TestEndCountsWhoAttended(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		p := newPlayer(t)
		for _, at := range pollTimes(t, o) {
			p.poll(o, at)
		}
		p.finish(o)
		res := diff.End{At: o.end + 9, Reason: "ended"}.Apply(p.state)
		require.Len(t, res.Events, 1)
		m := res.Events[0].Meeting

		people, total, peak, present := map[string]bool{}, int64(0), 0, 0
		for _, f := range sortedByTime(o.truth()) {
			people[f.person] = true
			if f.end {
				total += f.at
				present--
			} else {
				total -= f.at
				present++
			}
			peak = max(peak, present)
		}
		require.Equal(t, len(people), m.People)
		require.Equal(t, peak, m.Peak)
		require.InDelta(t, float64(total)/60_000, m.PersonMinutes, 1e-6)
		require.Equal(t, o.end, m.EndTime)
		require.Equal(t, o.end, res.Events[0].Time.UnixMilli())
	})
}

func sortedByTime(facts []fact) []fact {
	out := append([]fact(nil), facts...)
	for i := range out { // few: insertion will do
		for k := i; k > 0 && (out[k].at < out[k-1].at || out[k].at == out[k-1].at && out[k].end && !out[k-1].end); k-- {
			out[k], out[k-1] = out[k-1], out[k]
		}
	}
	return out
}

func TestEndClosesTheGap(t *testing.T) {
	s := diff.Gap{From: epoch, At: epoch + 1, Reason: "unavailable"}.Apply(diff.New("m1")).State
	over := diff.Compare(s, diff.Snapshot{Kind: diff.Partial, At: epoch + 60_000, Over: true})
	res := over.Then(diff.End{At: epoch + 60_000, Reason: "not_found"}.Apply(over.State))
	require.Len(t, res.Events, 2)
	assert.Equal(t, events.MeetingGap, res.Events[0].Type)
	assert.Equal(t, epoch+60_000, res.Events[0].Gap.To)
	assert.Equal(t, events.MeetingEnded, res.Events[1].Type)
	assert.Equal(t, "not_found", res.Events[1].Meeting.Reason)
	assert.Zero(t, res.State.GapFrom)
	assert.Equal(t, diff.Ended, res.State.Phase)
	assert.True(t, res.Changed)
}

// TestThenIsOneComparisonAfterTheOther cuts two comparisons, taken as one, into steps.
func TestThenIsOneComparisonAfterTheOther(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		first := diff.Compare(diff.New("m1"), diff.Snapshot{Rows: o.list(epoch + 200_000), From: epoch + 200_000, At: epoch + 200_000})
		second := diff.Compare(first.State, diff.Snapshot{Rows: o.list(o.end), From: o.end, At: o.end})
		both := first.Then(second)
		require.Equal(t, append(append([]events.Event{}, first.Events...), second.Events...), append([]events.Event{}, both.Events...))
		var replayed []events.Event
		sequence := uint64(0)
		for _, step := range both.Steps(rapid.IntRange(2, 5).Draw(t, "limit")) {
			replayed = append(replayed, step.Events...)
			sequence += uint64(len(step.Events))
			require.Equal(t, sequence, step.State.Sequence)
		}
		require.Equal(t, len(both.Events), len(replayed))
		require.Equal(t, second.State.Sequence, both.State.Sequence)
	})
}

func TestAnAttendanceOfNoLengthCountsForThePeak(t *testing.T) {
	s := script(t, look{
		at: 20, over: true, end: 19, rows: []string{"ann 6 5-5", "bob 6 1-9"},
		want: []string{"joined bob 1", "joined ann 5", "left ann 5", "left bob 9"},
	})
	assert.Equal(t, 2, diff.End{At: ms(20), Reason: "ended"}.Apply(s).Events[0].Meeting.Peak)
}
