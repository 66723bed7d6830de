package diff_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// entry is one of several things that are compared one after the other and stored as one. Like
// those of the poller, it gives nothing for a meeting that is not watched, unless it is to be
// watched again.
type entry func(*diff.State) diff.Result

// together compares entries one after the other, as one.
func together(s *diff.State, entries []entry) diff.Result {
	res := diff.Result{State: s}
	for _, e := range entries {
		res = res.Then(e(res.State))
	}
	return res
}

func watched(e entry) entry {
	return func(s *diff.State) diff.Result {
		if s.Phase != diff.Watched {
			return diff.Result{State: s}
		}
		return e(s)
	}
}

func pushOf(at int64, rows []diff.Row) entry {
	return watched(func(s *diff.State) diff.Result {
		start := diff.Start{At: at}.Apply(s)
		return start.Then(diff.Compare(start.State, diff.Snapshot{
			Kind: diff.Partial, Rows: rows, From: at, At: at, Via: events.ViaPush,
		}))
	})
}

// lookOf is a look that began when it was known what since says. It closes the gap that is open, or
// announces one since the time blind.
func lookOf(since diff.Mark, blind, at int64, snap diff.Snapshot) entry {
	return watched(func(s *diff.State) diff.Result {
		res := diff.Start{At: at}.Apply(s)
		if blind > 0 {
			res = res.Then(diff.Gap{Since: since, From: blind, At: at, Reason: "unavailable"}.Apply(res.State))
		}
		res = res.Then(diff.CloseGap(res.State, at))
		snap.From, snap.At, snap.Since, snap.Via = at, at, since, events.ViaPoll
		res = res.Then(diff.Compare(res.State, snap))
		if snap.Over {
			res = res.Then(diff.End{At: at, Reason: "ended"}.Apply(res.State))
		}
		return res
	})
}

// reopening watches a meeting again that ended before the time at.
func reopening(at int64) entry {
	return func(s *diff.State) diff.Result {
		if s.Phase == diff.Watched || s.EndTime >= at {
			return diff.Result{State: s}
		}
		next := s.Watch(diff.Description{Title: "Again"})
		return diff.Result{State: next, Changed: true}.Then(diff.Start{At: at}.Apply(next))
	}
}

// crowded draws a meeting of about so many people that they do not fit into one step: each comes
// once, and most leave.
func crowded(t *rapid.T, limit int) *oracle {
	o := &oracle{closes: rapid.Bool().Draw(t, "closes"), end: epoch + 600_000}
	n := max(limit*rapid.IntRange(0, 3).Draw(t, "steps")+rapid.IntRange(-2, 2).Draw(t, "more"), 0)
	moment := rapid.Int64Range(1, 59).Draw
	for i := range n {
		v := stay{joined: epoch + 10_000*moment(t, "joined")}
		if left := epoch + 10_000*moment(t, "left"); left > v.joined {
			v.left = left
		}
		id := string(rune('a'+i%26)) + string(rune('a'+i/26))
		o.people = append(o.people, guestOrMember{unionID: id, nick: id, devices: [][]stay{{v}}})
	}
	return o
}

// drawEntries draws what waits to be stored for a meeting, in the order of time, and whether it
// ends with it. The meeting was last looked at at the epoch: what is stored together is compared
// before anybody hears of the outcome.
func drawEntries(t *rapid.T, o *oracle, since diff.Mark, reopened bool) (entries []entry) {
	at, blind := epoch, epoch
	if reopened {
		entries = append(entries, reopening(at))
	}
	for range rapid.IntRange(0, 5).Draw(t, "entries") {
		at += rapid.Int64Range(10, 10_000).Draw(t, "later")
		switch rapid.IntRange(0, 4).Draw(t, "what") {
		case 0:
			rows := o.list(at)
			from := rapid.IntRange(0, len(rows)).Draw(t, "from")
			entries = append(entries, pushOf(at, rows[from:rapid.IntRange(from, len(rows)).Draw(t, "to")]))
		case 1:
			entries = append(entries, watched(func(s *diff.State) diff.Result {
				return diff.Gap{Since: since, From: blind, At: at, Reason: "throttled"}.Apply(s)
			}))
		case 2:
			entries = append(entries, lookOf(since, 0, at, diff.Snapshot{Rows: o.list(at)}))
		case 3:
			d := diff.Description{Title: "Weekly"}
			entries = append(entries, watched(func(s *diff.State) diff.Result { return diff.FillIn{Description: d, At: at}.Apply(s) }))
		default:
			entries = append(entries, lookOf(since, blind, at, diff.Snapshot{Rows: o.list(at)}))
		}
	}
	if rapid.Bool().Draw(t, "ends") {
		if rapid.Bool().Draw(t, "seen") {
			blind = 0
		}
		at = o.end + 5000
		entries = append(entries, lookOf(since, blind, at, diff.Snapshot{Rows: o.list(at), Over: true, EndTime: o.end}))
	}
	return entries
}

// told is what a consumer knows of a meeting that has read its events.
type told struct {
	sequence         uint64
	title            string
	present          map[string]bool
	started, ended   bool
	gap              bool
	gapFrom, gapOver int64
}

// read takes in events.
func (k *told) read(t require.TestingT, list []events.Event) {
	for _, e := range list {
		switch e.Type {
		case events.MeetingStarted:
			k.started, k.ended, k.title = true, false, e.Meeting.Title
		case events.MeetingEnded:
			require.Empty(t, k.present, "the meeting ends after everybody's end")
			k.ended, k.started = true, true
		case events.MeetingUpdated:
			k.title = e.Meeting.Title
		case events.MeetingGap:
			k.gap, k.gapFrom = e.Gap.To == 0, e.Gap.From
			k.gapOver = max(k.gapOver, e.Gap.To)
		default:
			require.Equal(t, k.title, e.Member.Title)
			k.sequence++
			require.Equal(t, k.sequence, e.Sequence)
			if e.Type == events.Joined {
				k.present[e.Subject] = true
			} else {
				delete(k.present, e.Subject)
			}
			require.Equal(t, len(k.present), e.Member.ActiveCount)
		}
	}
}

// agrees holds a state to what a consumer was told until then.
func (k *told) agrees(t require.TestingT, s *diff.State) {
	require.Equal(t, k.sequence, s.Sequence)
	require.Equal(t, len(k.present), s.Active)
	for who := range s.People() {
		require.Equal(t, k.present[who.Key], who.Present, who.Key)
	}
	require.Equal(t, k.gap, s.GapFrom > 0)
	if k.gap {
		require.Equal(t, k.gapFrom, s.GapFrom)
	}
	require.Equal(t, k.started && !k.ended, s.Phase == diff.Watched && s.StartedAt > 0)
	require.Equal(t, k.ended, s.Phase == diff.Ended)
}

// TestStepsOfJoinedResults cuts what was joined of pushes, gaps, looks, ends and re-openings, and
// stops after every step: applying the rest from there announces what is missing, and nothing
// twice.
func TestStepsOfJoinedResults(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.IntRange(3, 9).Draw(t, "limit")
		o := crowded(t, limit)
		base, before := diff.New("m1"), told{present: map[string]bool{}}
		reopened := rapid.Bool().Draw(t, "reopened")
		if reopened {
			earlier := together(base, []entry{
				pushOf(epoch-9000, []diff.Row{{UnionID: "aa", UserNick: "aa", JoinTime: epoch - 9500, Status: diff.StatusActive}}),
				lookOf(diff.Mark{}, 0, epoch-8000, diff.Snapshot{Over: true, EndTime: epoch - 8500}),
			})
			before.read(t, earlier.Events)
			base = earlier.State
		}
		before.agrees(t, base)
		entries := drawEntries(t, o, base.Mark(), reopened)
		whole := together(base, entries)
		var done []events.Event
		for i, step := range whole.Steps(limit) {
			require.LessOrEqual(t, len(step.Events), limit)
			require.True(t, i == 0 || len(step.Events) > 0, "an empty step")
			done = append(done, step.Events...)
			before.read(t, step.Events)
			before.agrees(t, step.State)

			rest := together(roundTrip(t, step.State), entries)
			require.ElementsMatch(t, idsOf(whole.Events), append(idsOf(done), idsOf(rest.Events)...), "after %d events", len(done))
		}
		require.Equal(t, nilIfEmpty(whole.Events), nilIfEmpty(done))
		before.agrees(t, whole.State)
	})
}
