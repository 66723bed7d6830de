package diff

import "fmt"

// Condition tells whether something is wanted of a meeting in a certain state. Like an [Intent] it
// is a value.
type Condition interface{ Holds(s *State) bool }

// Watch has a meeting watched that is not. The start is announced at once if it is known what the
// meeting is about, or if the meeting was known before; otherwise the first look finds that out
// first.
type Watch struct {
	Description
	At int64     // when, in Unix milliseconds
	If Condition // nil stands for always
	// Announce it even if nothing is known of the meeting, as news of its members is about to
	// follow.
	AtOnce bool
}

// Apply implements [Intent].
func (w Watch) Apply(s *State) Result {
	if s.IsWatched() || w.If != nil && !w.If.Holds(s) {
		return Result{State: s}
	}
	res := Result{State: s.Watch(w.Description), Changed: true, Began: true}
	if w.AtOnce || res.State.StartTime > 0 || s.Known() {
		res = res.Then(Start{At: w.At}.Apply(res.State))
	}
	return res
}

func (w Watch) String() string { return fmt.Sprintf("watch at %d", w.At) }

// KeepWatching has a meeting go on being watched whose state was lost.
type KeepWatching struct{ Description }

// Apply implements [Intent].
func (w KeepWatching) Apply(s *State) Result {
	if s.Known() || s.Phase != Watched {
		return Result{State: s}
	}
	return Result{State: s.Watch(w.Description), Changed: true}
}

func (w KeepWatching) String() string { return "keep watching" }

// Unwatch has a meeting no longer watched, without closing anybody out. An open gap ends.
type Unwatch struct {
	At int64 // when, in Unix milliseconds
}

// Apply implements [Intent].
func (w Unwatch) Apply(s *State) Result {
	if s.Phase != Watched { // it ended, or was unwatched already
		return Result{State: s}
	}
	closed := CloseGap(s, w.At)
	return closed.Then(Result{State: closed.State.WithPhase(Unwatched), Changed: true})
}

func (w Unwatch) String() string { return fmt.Sprintf("unwatch at %d", w.At) }
