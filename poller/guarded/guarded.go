// Package guarded keeps a value behind a lock, and lets the compiler hold that it is read and
// changed under that lock only.
package guarded

import "sync"

// Value is a value that only one goroutine at a time works with. It is made by [New] and safe for
// concurrent use.
type Value[T any] struct {
	mu sync.Mutex
	v  T
}

// New returns a value that is guarded from now on.
func New[T any](v T) *Value[T] { return &Value[T]{v: v} }

// With calls f with the value, which f must not keep. f must not call With of the same value.
func (g *Value[T]) With(f func(v *T)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	f(&g.v)
}

// Get is [Value.With] for an f that returns something.
func Get[T, R any](g *Value[T], f func(v *T) R) R {
	g.mu.Lock()
	defer g.mu.Unlock()
	return f(&g.v)
}
