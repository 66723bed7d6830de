package poller

import "context"

// urgency is why a call is made.
type urgency uint8

const (
	routine   urgency = iota // it is due
	continued                // it goes on with what has begun
	asked                    // a push or a person waits for it
	lastLook                 // the meeting ends, or is given up: it is the last chance
)

type urgencyKey struct{}

func withUrgency(ctx context.Context, u urgency) context.Context {
	if u <= urgencyOf(ctx) {
		return ctx
	}
	return context.WithValue(ctx, urgencyKey{}, u)
}

func urgencyOf(ctx context.Context) urgency {
	u, _ := ctx.Value(urgencyKey{}).(urgency)
	return u
}

// Continue returns a context for calls that go on with something that calls under ctx have begun.
func Continue(ctx context.Context) context.Context { return withUrgency(ctx, continued) }

// Continued tells whether the call that a [Source] is asked for under ctx goes on with something that has begun, and is
// no more urgent than that. Where calls have to wait, it is best made before calls that begin something: what is half
// done is worth nothing yet, and the longer a list takes to be read the less it tells.
func Continued(ctx context.Context) bool { return urgencyOf(ctx) == continued }

// LastLook tells whether the call that a [Source] is asked for under ctx is the last at a meeting that has ended or is
// given up: what it does not find out, nobody will.
func LastLook(ctx context.Context) bool { return urgencyOf(ctx) == lastLook }

// Asked tells whether somebody waits for the call that a [Source] is asked for under ctx: a push that did not say
// enough, or who has asked to watch the meeting.
func Asked(ctx context.Context) bool { return urgencyOf(ctx) == asked }
