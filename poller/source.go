// Package poller decides when to look at which meeting, and looks.
package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// Source is where the poller reads meetings. Its methods are safe for concurrent use, wait for the
// call rate themselves, give up when ctx ends, and return a [*SourceError] for everything that went
// wrong upstream.
type Source interface {
	// Members reads a whole member list: all pages or an error, never a part. It calls [Reading]
	// when it asks for the first page.
	Members(ctx context.Context, conferenceID string) (List, error)
	// Info reads what is known of the meeting itself.
	Info(ctx context.Context, conferenceID string) (Info, error)
}

// List is a whole member list.
type List struct {
	Rows []diff.Row
	// Certain is false if rows may be missing: those listed count, but absence proves nothing.
	Certain bool
	// Calls is how many calls it takes to read the list once; 1 when zero.
	Calls int
}

// Info is what DingTalk says of a meeting. Times are Unix milliseconds, 0 where unknown.
type Info struct {
	Title       string
	CreatorID   string
	CreatorNick string
	StartTime   int64
	EndTime     int64
	Ended       bool
	ActiveCount int // people in the meeting now
	// AttendedCount is how many people have attended at all, or another number that changes with
	// them.
	AttendedCount int
}

// Trouble is what kind of thing went wrong upstream.
type Trouble uint8

const (
	// Unavailable is an outage, a time-out or a reply that makes no sense: trying again can help.
	Unavailable Trouble = iota
	// NotFound says there is no such meeting, or no longer.
	NotFound
	// Throttled says calls come too fast: all calls wait.
	Throttled
	// Exhausted says the month's calls are used up: all calls wait.
	Exhausted
	// Denied says the app may not read this meeting: trying again soon does not help.
	Denied
)

// String names the trouble as logs and gaps do.
func (t Trouble) String() string {
	switch t {
	case NotFound:
		return events.GapNotFound
	case Throttled:
		return events.GapThrottled
	case Exhausted:
		return events.GapQuotaExhausted
	case Denied:
		return events.GapNoPermission
	default:
		return events.GapUnavailable
	}
}

// SourceError is a failed call, in the terms the poller acts on.
type SourceError struct {
	Trouble Trouble
	// Wait is how long to leave before the next call, if upstream told; 0 leaves that to the
	// poller.
	Wait time.Duration
	Err  error
}

// Error implements error.
func (e *SourceError) Error() string { return fmt.Sprintf("%s: %v", e.Trouble, e.Err) }

// Kind is the trouble, if that says everything: two failures of one kind are the same news. An
// outage has no kind, as its words say more.
func (e *SourceError) Kind() string {
	if e.Trouble == Unavailable {
		return ""
	}
	return e.Trouble.String()
}

// Unwrap returns the cause.
func (e *SourceError) Unwrap() error { return e.Err }

// troubleOf returns what went wrong upstream. An error that is not the store's is upstream's, even
// if it names no trouble.
func troubleOf(err error) (t Trouble, upstream bool) {
	if source, ok := errors.AsType[*SourceError](err); ok {
		return source.Trouble, true
	}
	var stored *storeError
	return Unavailable, err != nil && !errors.As(err, &stored) && !errors.Is(err, errOver)
}

func isTrouble(err error, t Trouble) bool {
	is, upstream := troubleOf(err)
	return upstream && is == t
}

// isLimit tells whether all calls have to wait.
func isLimit(err error) bool { return isTrouble(err, Throttled) || isTrouble(err, Exhausted) }

// waitOf is how long upstream asked to wait; 0 if it did not.
func waitOf(err error) time.Duration {
	if source, ok := errors.AsType[*SourceError](err); ok {
		return max(source.Wait, 0)
	}
	return 0
}
