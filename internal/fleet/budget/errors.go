package budget

import (
	"errors"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/poller"
)

var (
	// ErrHeld says that no call is made because upstream asked for a pause. It comes within a
	// [poller.SourceError] with trouble Throttled and the time that is left.
	ErrHeld = errors.New("calls are held back")
	// ErrSpent says that the month has no calls left for this purpose. It comes within a
	// [poller.SourceError] with trouble Exhausted. Its Wait is a minute at most, as asking again
	// costs nothing and what is refused to one purpose may be granted to another.
	ErrSpent = errors.New("the month's calls are used up")
	// ErrUncounted says that the call could not be counted, so that it must not be made. It comes
	// within a [poller.SourceError] with trouble Unavailable and wraps what went wrong with NATS.
	ErrUncounted = errors.New("the month's calls cannot be counted")
	// ErrClosed says that the month's calls were given back: see [Month.Close].
	ErrClosed = errors.New("the month's calls are closed")
)

// longestWait bounds the Wait of a refusal. Asking again costs no call.
const longestWait = time.Minute

// own tells whether an error is a refusal of this package and so says nothing of what upstream
// answered.
func own(err error) bool {
	return errors.Is(err, ErrHeld) || errors.Is(err, ErrSpent) || errors.Is(err, ErrUncounted) || errors.Is(err, ErrClosed)
}

func refusal(trouble poller.Trouble, wait time.Duration, err error) error {
	return &poller.SourceError{Trouble: trouble, Wait: min(max(wait, 0), longestWait), Err: fmt.Errorf("budget: %w", err)}
}
