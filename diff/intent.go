package diff

import (
	"fmt"
	"strings"
)

// Intent is what a look, a push, the patrol for gaps or a request wants stored of a meeting. It is
// a value. So it can wait for its turn, be joined with others by [All], be applied again if another
// replica was first, and be logged: its String says what is wanted, without people's names.
type Intent interface {
	// Apply returns what follows from s. It changes nothing, and gives the same for the same state.
	Apply(s *State) Result
	String() string
}

// All is several intents, each applied to the state that the one before leads to. None at all
// changes nothing.
type All []Intent

// Apply implements [Intent]. What each of the intents gave is in [Result.Each].
func (a All) Apply(s *State) Result {
	res := Result{State: s}
	each := make([]Result, len(a))
	for i, want := range a {
		each[i] = want.Apply(res.State)
		res = res.Then(each[i])
	}
	res.each = each
	return res
}

func (a All) String() string {
	out := make([]string, len(a))
	for i, want := range a {
		out[i] = want.String()
	}
	return strings.Join(out, ", ")
}

// IfWatched is an intent for a meeting that is watched. For any other it does nothing, unless Else
// has the meeting watched first.
type IfWatched struct {
	Then Intent
	Else Intent // nil stands for nothing
}

// Apply implements [Intent].
func (w IfWatched) Apply(s *State) Result {
	res := Result{State: s}
	if !s.IsWatched() && w.Else != nil {
		res = w.Else.Apply(s)
	}
	if !res.State.IsWatched() {
		return res
	}
	return res.Then(w.Then.Apply(res.State))
}

func (w IfWatched) String() string {
	if w.Else == nil {
		return fmt.Sprintf("if watched: (%v)", w.Then)
	}
	return fmt.Sprintf("if watched, else %v: (%v)", w.Else, w.Then)
}

// Apply implements [Intent]: what follows is what [Compare] finds.
func (s Snapshot) Apply(prev *State) Result { return Compare(prev, s) }

func (s Snapshot) String() string {
	over := ""
	if s.Over {
		over = ", over"
	}
	return fmt.Sprintf("%v snapshot of %d rows at %d%s", s.Kind, len(s.Rows), s.At, over)
}

// String names the kind.
func (k Kind) String() string {
	switch k {
	case Complete:
		return "complete"
	case Uncertain:
		return "uncertain"
	case Partial:
		return "partial"
	default:
		return "unknown"
	}
}
