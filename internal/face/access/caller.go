package access

import "context"

// Kind says how a caller is known.
type Kind string

// The kinds of callers.
const (
	ByToken  Kind = "token"  // by a token, or a session that began with one
	ByPerson Kind = "person" // by a session that began at the organisation's log-in
	// Nearby is everybody on this machine, where nothing is set that could tell them apart.
	Nearby Kind = "local"
)

// Caller is who asks for something.
type Caller struct {
	Kind Kind
	// Name is the token's, or what the organisation's log-in calls the person; empty of callers
	// nearby.
	Name   string
	Scopes Scopes
	// Organisation is the only one that the caller may ask about; empty stands for all.
	Organisation string
}

// String names the caller, for logs.
func (c Caller) String() string {
	if c.Name == "" {
		return string(c.Kind)
	}
	return string(c.Kind) + " " + c.Name
}

type contextKey struct{}

// With returns a context that knows the caller.
func With(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// From returns the caller that a context knows. One that knows none has the caller that may
// nothing.
func From(ctx context.Context) Caller {
	c, _ := ctx.Value(contextKey{}).(Caller)
	return c
}
