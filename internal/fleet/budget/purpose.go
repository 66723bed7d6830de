package budget

import (
	"context"

	"github.com/c4342123/rollcall/poller"
)

// Purpose is what a call is made for. It decides who is first when calls are scarce.
type Purpose uint8

const (
	// Look is an ordinary look at a meeting.
	Look Purpose = iota
	// Continued is a call that goes on with an ordinary look that has begun. It waits less, and
	// counts like [Look].
	Continued
	// Asked is a look that a push or a person has asked for: it waits less, and counts like [Look].
	Asked
	// LastLook is the last look at a meeting that is ending. It waits less, and a reserve of the
	// month's calls is kept for it alone.
	LastLook
	// Discovery lists the organisation's meetings. When the month's calls run short it is the first
	// to go without.
	Discovery
)

// String names the purpose.
func (p Purpose) String() string {
	switch p {
	case Continued:
		return "continued look"
	case Asked:
		return "asked look"
	case LastLook:
		return "last look"
	case Discovery:
		return "discovery"
	default:
		return "look"
	}
}

// urgent tells whether the call goes before others.
func (p Purpose) urgent() bool { return p == Continued || p == Asked || p == LastLook }

type purposeKey struct{}

// With returns a context for calls of the given purpose.
func With(ctx context.Context, p Purpose) context.Context {
	return context.WithValue(ctx, purposeKey{}, p)
}

// From returns what a call under ctx is for: what the poller says of it, else the purpose given by
// [With], [Look] if there is none.
func From(ctx context.Context) Purpose {
	switch {
	case poller.LastLook(ctx):
		return LastLook
	case poller.Asked(ctx):
		return Asked
	case poller.Continued(ctx):
		return Continued
	}
	p, _ := ctx.Value(purposeKey{}).(Purpose)
	return p
}
