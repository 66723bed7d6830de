// Package condition is how the parts of Rollcall report what fails and what works again: each thing
// that can fail is a condition with a key of its own. Who reports need not know who is told.
package condition

// Reporter is told what fails and what works again. It is told of every failure: not to repeat
// itself is its task. It is safe for concurrent use.
type Reporter interface {
	// Failed reports that what the key names does not work at present, and why.
	Failed(key string, err error)
	// OK reports that it works.
	OK(key string)
}

// A Forgetter is a [Reporter] that can also be told that it is no longer of interest whether
// something works. Its next failure is news again.
type Forgetter interface{ Forget(key string) }

// OrNone returns r, or a reporter that does nothing when r is nil.
func OrNone(r Reporter) Reporter {
	if r == nil {
		return none{}
	}
	return r
}

// Forget passes on that it is no longer of interest whether something works, if r is a [Forgetter].
func Forget(r Reporter, key string) {
	if f, ok := r.(Forgetter); ok {
		f.Forget(key)
	}
}

type none struct{}

func (none) Failed(string, error) {}
func (none) OK(string)            {}
