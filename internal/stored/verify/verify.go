// Package verify compares what the stored events say of a meeting with what DingTalk says of it
// now.
package verify

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/poller"
)

// ErrNothing says that there is nothing to compare: no event of the meeting is stored, and no one
// is in it.
var ErrNothing = errors.New("no event is stored of the meeting, and DingTalk shows nobody in it")

// ErrExpired says that no event is stored of a meeting that has been over for longer than events are
// kept: there is nothing to compare its list with.
var ErrExpired = errors.New("no event is stored of the meeting, which ended too long ago: if it was watched, its events have expired")

// ErrGone says that the meeting is over and its list is, too: what is stored of it cannot be
// compared with anything.
var ErrGone = errors.New("the meeting is over, and DingTalk no longer shows who was in it: its history cannot be compared")

// By default so many looks are taken before a difference counts, unless they are further apart than
// that.
const (
	looks    = 8
	maxPause = 10 * time.Second
)

// Options of [Run]. JetStream, Source and Meeting are required.
type Options struct {
	JetStream jetstream.JetStream
	// Source is where the member list is read; with pseudonyms, if those are what is stored.
	Source  poller.Source
	Meeting string // conferenceId
	// Retention is how long events are kept; 0 means without end.
	Retention time.Duration
	// Patience is how long a difference has to last before it counts: what just happened has yet to
	// be noticed. It should be longer than the service's longest interval between two looks.
	Patience time.Duration
	// Pause stands between two looks; 0 means an eighth of the patience, but at most 10 s.
	Pause time.Duration
}

// Kind says in which way the two differ about a person.
type Kind string

// The kinds of differences.
const (
	NotActive    Kind = "announced present, not active"
	NotAnnounced Kind = "active, not announced"
	// These are of a meeting that is over.
	Unannounced Kind = "attended, not announced"
	Unlisted    Kind = "announced, not listed"
	OtherTimes  Kind = "announced with other times"
)

// Difference is a person whom the two show differently.
type Difference struct {
	Kind     Kind
	Person   string // unionId, or what stands for it
	UserNick string
	// When they joined, in Unix milliseconds, by what shows them present; 0 when it does not tell.
	Since int64
	// Left is when they left according to the list, in Unix milliseconds; 0 when it does not tell.
	Left int64
}

// Result is the outcome.
type Result struct {
	Announced int // people present according to the events
	Active    int // according to the list
	// Over says that the meeting is. Visits are those announced of it, Listed those that its list
	// still tells.
	Over           bool
	Visits, Listed int
	// Differences are the people of whom the two disagreed all the time; empty when they are the
	// same.
	Differences []Difference
	// Notes are what could not be compared, and why.
	Notes []string
	// Looks is how often both were read, and Lasted for how long.
	Looks  int
	Lasted time.Duration
}

// same tells two differences apart that only look alike: of a person who left and came back.
type same struct {
	kind   Kind
	person string
	since  int64
}

func (d Difference) same() same { return same{d.Kind, d.Person, d.Since} }

// Run compares, and compares again for as long as the two differ and the patience lasts. Only
// people who differ each time count. It returns [ErrNothing], [ErrExpired], [ErrGone], what
// [poller.Source] returns, or why the events cannot be read.
func Run(ctx context.Context, o Options) (Result, error) {
	began := time.Now()
	wait := o.Pause
	if wait == 0 {
		wait = min(o.Patience/looks, maxPause)
	}
	result, err := o.look(ctx)
	if err != nil {
		return Result{}, err
	}
	result.Looks = 1
	for len(result.Differences) > 0 {
		if !pause.For(ctx, wait) {
			return Result{}, context.Cause(ctx)
		}
		again, err := o.look(ctx)
		if err != nil {
			return Result{}, err
		}
		again.Looks, again.Lasted = result.Looks+1, time.Since(began)
		again.Differences = lasting(result.Differences, again.Differences)
		if result = again; result.Lasted >= o.Patience {
			break
		}
	}
	return result, nil
}

// lasting returns those of the new differences that are old.
func lasting(old, found []Difference) []Difference {
	known := map[same]bool{}
	for _, d := range old {
		known[d.same()] = true
	}
	var out []Difference
	for _, d := range found {
		if known[d.same()] {
			out = append(out, d)
		}
	}
	return out
}
