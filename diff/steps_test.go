package diff_test

import (
	"testing"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// wild draws any snapshot at all of a few people: lists that no source would give included.
func wild(t *rapid.T, at int64) diff.Snapshot {
	second := rapid.Custom(func(t *rapid.T) int64 {
		switch rapid.IntRange(0, 9).Draw(t, "time") {
		case 0, 1:
			return 0
		case 2:
			return rapid.SampledFrom([]int64{-1, 1, 1 << 62, -1 << 63, 253402300799999, 253402300799998}).Draw(t, "garbage")
		default:
			return epoch + 500*rapid.Int64Range(0, 40).Draw(t, "half seconds")
		}
	})
	rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) diff.Row {
		return diff.Row{
			UnionID:  rapid.SampledFrom([]string{"u1", "u2", "u3", "", "guest:0:Ann"}).Draw(t, "id"),
			UserNick: rapid.SampledFrom([]string{"Ann", "Bob", ""}).Draw(t, "nick"),
			JoinTime: second.Draw(t, "join"), LeaveTime: second.Draw(t, "leave"),
			Status: rapid.IntRange(-1, 8).Draw(t, "status"),
			Host:   rapid.Bool().Draw(t, "host"),
		}
	}), 0, 8).Draw(t, "rows")
	snap := diff.Snapshot{
		Kind: diff.Kind(rapid.IntRange(0, 2).Draw(t, "kind")), Rows: rows,
		From: at - rapid.SampledFrom([]int64{0, 0, 1500}).Draw(t, "took"), At: at,
		Over: rapid.IntRange(0, 5).Draw(t, "over") == 0,
	}
	if snap.Over && snap.Kind == diff.Partial {
		snap.Rows = nil
	}
	if rapid.Bool().Draw(t, "knows the end") {
		snap.EndTime = epoch + 21_000 // nobody joins a meeting after its end
	}
	return snap
}

// tame draws a meeting's list at some time, and so only what a source gives.
func tame(t *rapid.T, o *oracle, at int64) diff.Snapshot {
	return diff.Snapshot{
		Kind: diff.Kind(rapid.IntRange(0, 1).Draw(t, "kind")), Rows: o.list(at), From: at, At: at,
		Over: at >= o.end, EndTime: o.end,
	}
}

// checkSteps holds the parts of a result to what Steps promises.
func checkSteps(t *rapid.T, base *diff.State, snap diff.Snapshot, exact bool) {
	res := diff.Compare(base, snap)
	var all []events.Event
	for _, step := range res.Steps(rapid.IntRange(1, 5).Draw(t, "limit")) {
		all = append(all, step.Events...)
		rest := diff.Compare(step.State, snap)
		require.Equal(t, base.Sequence+uint64(len(all)), step.State.Sequence)
		require.Equal(t, activeIn(step.State), step.State.Active)
		if exact {
			require.ElementsMatch(t, factsOf(res.Events[len(all):]), factsOf(rest.Events), "after %d events", len(all))
			require.ElementsMatch(t, idsOf(res.Events[len(all):]), idsOf(rest.Events))
		}
	}
	require.Equal(t, res.Events, nilIfEmpty(all))
}

func nilIfEmpty(list []events.Event) []events.Event {
	if len(list) == 0 {
		return nil
	}
	return list
}

func activeIn(s *diff.State) int {
	n := 0
	for p := range s.People() {
		if p.Present {
			n++
		}
	}
	return n
}

func factsOf(list []events.Event) []fact {
	out := []fact{}
	for _, e := range list {
		out = append(out, fact{e.Subject, e.Type != events.Joined, e.Time.UnixMilli()})
	}
	return out
}

func TestStepsLeaveExactlyTheRest(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := history(t, false)
		if rapid.Bool().Draw(t, "reset") {
			o = leisurely(t, true)
		}
		p := newPlayer(t)
		for _, at := range append(pollTimes(t, o), o.end) {
			snap := tame(t, o, at)
			checkSteps(t, p.state, snap, true)
			p.take(snap)
		}
	})
}

func TestStepsOfAnythingAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlayer(t)
		for i := range rapid.Int64Range(1, 8).Draw(t, "looks") {
			snap := wild(t, epoch+3000*(i+1))
			checkSteps(t, p.state, snap, false)
			p.take(snap)
			p.alternates()
		}
	})
}

func TestAnythingTwiceGivesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := newPlayer(t)
		for i := range rapid.Int64Range(1, 8).Draw(t, "looks") {
			snap := wild(t, epoch+3000*(i+1))
			p.take(snap)
			require.Empty(t, p.take(snap).Events)
		}
	})
}
