package diff

import (
	"fmt"

	"github.com/c4342123/rollcall/events"
)

// NumberedFrom returns the state of a meeting whose member events are numbered on from a sequence,
// if none is known to be stored.
func (s *State) NumberedFrom(sequence uint64) *State {
	if s.Sequence > 0 || sequence == 0 {
		return s
	}
	next := *s
	next.Sequence = sequence
	return &next
}

// Restore has a watched meeting go on whose stored state was lost: from what is stored of it still,
// or was rebuilt from events, or nothing. What was announced of it and is not stored any more will
// be announced again.
type Restore struct {
	Description       // what was last known of the meeting itself
	At          int64 // when, in Unix milliseconds
}

// Apply implements [Intent].
func (i Restore) Apply(s *State) Result {
	return Result{State: s.restored(i.Description, i.At), Changed: true}
}

func (i Restore) String() string { return fmt.Sprintf("restore at %d", i.At) }

func (s *State) restored(d Description, at int64) *State {
	next := *s.Describe(d)
	if s.Phase != Watched {
		next = *s.Watch(d)
	}
	next.restarted = s.restarted || !s.known
	next.known = true
	next.supersedeLooks(at)
	return &next
}

// supersedeLooks makes all looks that began before count as overtaken: they know what was lost, and
// so are not newer than what is announced from now on. Milliseconds since 1970 are far more than
// there are editions of one meeting.
func (s *State) supersedeLooks(at int64) {
	s.edition = max(s.edition+1, uint64(max(at, 0)))
	s.looked = s.edition
}

// Lost announces that what was stored of a meeting was lost. It says so by a gap that the next look
// closes; one that is open already ends.
type Lost struct {
	// When the meeting was last looked at before, and when the loss was noticed, in Unix
	// milliseconds.
	From, At int64
}

// Apply implements [Intent].
func (i Lost) Apply(s *State) Result {
	if s.Phase != Watched || s.GapReason == events.GapStoreLost {
		return Result{State: s}
	}
	res := CloseGap(s, i.At)
	seen := max(s.LookedAt, res.State.GapTo)
	if seen > i.At+oddClock {
		seen = 0
	}
	gap := Gap{From: max(min(i.From, i.At), seen, res.State.lastGap+1), At: i.At, Reason: events.GapStoreLost}
	return res.Then(gap.Apply(res.State))
}

func (i Lost) String() string { return fmt.Sprintf("lost at %d", i.At) }
