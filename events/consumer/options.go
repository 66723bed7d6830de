package consumer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/c4342123/rollcall/events"
)

// The defaults of [Options].
const (
	DefaultInFlight = 1
	DefaultAckWait  = 30 * time.Second
	DefaultRetryMin = time.Second
	DefaultRetryMax = time.Minute
)

var (
	// ErrNoStream says that the NATS server has no events of Rollcall.
	ErrNoStream = errors.New("the NATS server has no stream " + events.Stream)
	// ErrOtherConsumer says that there is a consumer of that name which another program made for
	// something else.
	ErrOtherConsumer = errors.New("there is another consumer of that name")
	// ErrDeleted says that somebody deleted the consumer, and not the stream, while it was in use.
	// Running again makes it anew, and it then begins where a new one does.
	ErrDeleted = errors.New("the consumer was deleted")
)

// Delivery is an event as it is given to a [Handler].
type Delivery struct {
	events.Event
	// Payload is the event as it is stored, one JSON object.
	Payload []byte
	// Position is its sequence in the stream. It grows from event to event, with holes.
	Position uint64
	// Attempt counts how often the event was delivered, from 1.
	Attempt int
}

// Handler processes an event. Once it returns nil the event counts as processed. Otherwise it is
// called for the event again, after a pause that grows; unless its error comes from [Reject]. Its
// context ends when [Run] is to stop: it may finish or return an error, Run waits for either.
type Handler func(ctx context.Context, d Delivery) error

// Memory knows which events were processed, over restarts. It is used by as many goroutines as
// there are events in flight.
type Memory interface {
	// Seen tells whether the event with that id was processed. An error makes the event come again
	// later.
	Seen(ctx context.Context, id string) (bool, error)
	// Remember is called when the handler has processed the event, before it is acknowledged. A memory
	// that looks where the handler itself has stored the id does nothing here.
	Remember(ctx context.Context, id string) error
}

// Rejection is a message that will not be processed.
type Rejection struct {
	Subject  string
	Payload  []byte
	Position uint64 // in the stream, where it stays until it expires
	Err      error  // wraps [events.ErrNotRollcall], or is what the handler gave to [Reject]
}

// Options of [Run]. Name is required.
type Options struct {
	// Name is the durable consumer's: the server keeps under it how far the program has come. Programs
	// that use one name share the work. It has no spaces, dots, slashes or wildcards.
	Name string
	// Subjects are what to process, of one view: events.AllMembers and events.AllMeetings, or subjects
	// of theirs, or events.OfMeeting. Without any it is events.AllMembers. They may be changed from
	// one run to the next.
	Subjects []string
	// Since leaves out what was stored earlier, and OnlyNew what was stored before the consumer was
	// made; without either it begins with the oldest event there is. A consumer that is there goes on
	// where it is.
	Since   time.Time
	OnlyNew bool
	// InFlight is how many events are processed at the same time; 0 means one after the other.
	InFlight int
	// AckWait is how long the server waits for an acknowledgement, or for word that the handler still
	// runs, before it delivers an event again; 0 means 30 s. A handler may take longer: while it runs
	// the server is told.
	AckWait time.Duration
	// RetryMin and RetryMax bound the pause before an event whose handler failed comes again; 0 means
	// 1 s and 1 min.
	RetryMin, RetryMax time.Duration
	// Memory keeps what was processed from being processed again after a restart; nil for a handler
	// that does so itself.
	Memory Memory
	// Rejected is told of every message that will not be processed; nil leaves it to the log.
	Rejected func(Rejection)
	// Logger receives failures and what becomes of them; nil logs nothing.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if len(o.Subjects) == 0 {
		o.Subjects = []string{events.AllMembers}
	}
	if o.InFlight == 0 {
		o.InFlight = DefaultInFlight
	}
	if o.AckWait == 0 {
		o.AckWait = DefaultAckWait
	}
	if o.RetryMin == 0 {
		o.RetryMin = DefaultRetryMin
	}
	if o.RetryMax == 0 {
		o.RetryMax = max(DefaultRetryMax, o.RetryMin)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

func (o Options) validate() error {
	switch {
	case o.Name == "" || strings.ContainsAny(o.Name, " \t\r\n.*>/\\"):
		return fmt.Errorf("consumer: Name %q is empty or has a space, a dot, a slash or a wildcard", o.Name)
	case o.OnlyNew && !o.Since.IsZero():
		return errors.New("consumer: OnlyNew and Since exclude each other")
	case o.InFlight < 0:
		return fmt.Errorf("consumer: InFlight %d is negative", o.InFlight)
	case o.AckWait < 0:
		return fmt.Errorf("consumer: AckWait %v is negative", o.AckWait)
	case o.RetryMin < 0 || o.RetryMax < 0 || o.RetryMax > 0 && o.RetryMax < o.RetryMin:
		return fmt.Errorf("consumer: RetryMin %v and RetryMax %v are no bounds", o.RetryMin, o.RetryMax)
	}
	return nil
}

// Reject makes an error say that trying again would not help: the event is reported as a
// [Rejection] and not delivered any more.
func Reject(err error) error { return &rejected{err} }

type rejected struct{ err error }

func (e *rejected) Error() string { return e.err.Error() }
func (e *rejected) Unwrap() error { return e.err }
