package diff

import (
	"fmt"
	"time"

	"github.com/c4342123/rollcall/events"
)

// oddClock is how far after now, in milliseconds, a time has to be to have been told by a wrong
// clock.
const oddClock = 60_000

// Gap announces that a meeting is not looked at. Only one gap is open at a time. It announces
// nothing for a meeting that is not watched, or that was looked at, or whose gap ended, since:
// another replica was faster.
type Gap struct {
	Since    Mark  // what was known at From
	From, At int64 // since when, and when that was noticed, in Unix milliseconds
	Reason   string
}

// Apply implements [Intent].
func (g Gap) Apply(s *State) Result {
	if s.Phase != Watched || s.GapFrom > 0 || s.seenSince(g.Since, g.At) {
		return Result{State: s}
	}
	from := g.From
	if from == s.lastGap {
		from++ // no two gaps have the same id
	}
	next := *s
	next.GapFrom, next.GapReason = from, g.Reason
	return Result{State: &next, Changed: true, Events: []events.Event{s.gap(from, 0, g.Reason)}}
}

func (g Gap) String() string { return fmt.Sprintf("gap from %d (%s)", g.From, g.Reason) }

// GapBefore is the gap that ends with a look. If one is open it is closed; one that could not be
// announced while it lasted is announced first.
type GapBefore struct {
	Look      Snapshot
	Last, Now LookTime      // when the meeting was looked at before, and by this look
	Longer    time.Duration // a gap is what takes longer than this
	Reason    string        // of a gap that is not announced yet
}

// Apply implements [Intent].
func (g GapBefore) Apply(s *State) Result {
	res := Result{State: s}
	if g.Look.Kind == Partial || s.overtaken(&g.Look) {
		return res
	}
	// A look that was stored in part may have stored the end of a gap.
	last := g.Last.Later(s.GapTo, g.Now)
	from, to := last.Gap(g.Now)
	if s.GapFrom == 0 && !last.Never() && last.Ago(g.Now) > g.Longer {
		res = Gap{Since: last.Known, From: from, At: to, Reason: g.Reason}.Apply(s)
	}
	return res.Then(CloseGap(res.State, to))
}

func (g GapBefore) String() string { return fmt.Sprintf("gap before %d (%s)", g.Look.At, g.Reason) }

// CloseGap announces that the open gap ended with the look at to, in Unix milliseconds. Without one
// it gives nothing.
func CloseGap(s *State, to int64) Result {
	if s.GapFrom == 0 {
		return Result{State: s}
	}
	next := *s
	next.GapFrom, next.GapReason = 0, ""
	next.edition++
	next.GapTo, next.lastGap, next.gapEnded = max(to, s.GapFrom), s.GapFrom, next.edition
	return Result{State: &next, Changed: true, Events: []events.Event{s.gap(s.GapFrom, max(to, s.GapFrom), s.GapReason)}}
}

// gap is the event of a gap. Its two publications have ids of their own, from the same beginning.
func (s *State) gap(from, to int64, reason string) events.Event {
	at, part := from, "begin"
	if to > 0 {
		at, part = to, "end"
	}
	return events.Event{
		ID: events.MeetingID(s.ConferenceID, from, events.MeetingGap, part), Type: events.MeetingGap,
		Time: time.UnixMilli(at).UTC(),
		Gap:  &events.Gap{ConferenceID: s.ConferenceID, From: from, To: to, Reason: reason},
	}
}
