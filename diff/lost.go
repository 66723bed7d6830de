package diff

import "github.com/c4342123/rollcall/events"

// NumberedFrom returns the state of a meeting whose member events are numbered on from a sequence, if none is known to
// be stored.
func (s *State) NumberedFrom(sequence uint64) *State {
	if s.Sequence > 0 || sequence == 0 {
		return s
	}
	next := *s
	next.Sequence = sequence
	return &next
}

// Restored returns the state of a watched meeting whose stored state was lost. s is what is stored of it still, or was
// rebuilt from events, or nothing; d is what was last known of the meeting itself.
// It is restored at the time at, in Unix milliseconds.
func (s *State) Restored(d Description, at int64) *State {
	next := *s.Describe(d)
	if s.Phase != Watched {
		next = *s.Watch(d)
	}
	next.known = true
	next.begunAnew(at)
	return &next
}

// begunAnew sees to it that no look that began with what was lost counts as newer than what is announced from now on: it is
// taken for one that another has overtaken. Milliseconds since 1970 are far more than comparisons of one meeting.
func (s *State) begunAnew(at int64) {
	s.edition = max(s.edition+1, uint64(max(at, 0)))
	s.looked = s.edition
}

// Lost announces that what was stored of the meeting was lost, which was noticed at the time at; from is when the meeting
// was last looked at before, both in Unix milliseconds. It says so by a gap that the next look closes; one that is open
// already ends.
func Lost(s *State, from, at int64) Result {
	if s.Phase != Watched || s.GapReason == events.GapStoreLost {
		return Result{State: s}
	}
	res := CloseGap(s, at)
	seen := max(s.LookedAt, res.State.GapTo)
	if seen > at+oddClock {
		seen = 0
	}
	return res.Then(OpenGap(res.State, Mark{}, max(min(from, at), seen, res.State.lastGap+1), at, events.GapStoreLost))
}
