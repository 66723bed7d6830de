package poller

import "context"

// urgency is why a call is made; the higher, the sooner.
type urgency uint8

const (
	routine   urgency = iota // it is due
	continued                // it goes on with what has begun
	asked                    // a push or a person waits for it
	lastLook                 // the meeting ends, or is unwatched: there is no later look
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

// Continue returns a context for calls that go on with what calls under ctx have begun.
func Continue(ctx context.Context) context.Context { return withUrgency(ctx, continued) }

// Continued tells whether the call that a [Source] is asked for under ctx goes on with something,
// and is no more urgent than that. If calls have to wait, it is best made before those that begin
// something: half a list is of no use, and the longer a list takes to read the less it tells.
func Continued(ctx context.Context) bool { return urgencyOf(ctx) == continued }

// LastLook tells whether the call that a [Source] is asked for under ctx is the last at a meeting
// that has ended or is unwatched. What it does not find out is never found out.
func LastLook(ctx context.Context) bool { return urgencyOf(ctx) == lastLook }

// Asked tells whether the call that a [Source] is asked for under ctx is waited for: by a push that
// did not say enough, or by somebody who asked to watch the meeting.
func Asked(ctx context.Context) bool { return urgencyOf(ctx) == asked }
