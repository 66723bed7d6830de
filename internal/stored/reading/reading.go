// Package reading reads the stored events from the stream, in its order: those of one meeting or of
// all, from any position on, up to what is stored or without end.
package reading

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/poller/condition"
)

var (
	// ErrNoStream says that the NATS server has no events of Rollcall.
	ErrNoStream = errors.New("the NATS server has no stream " + events.Stream + ": has rollcall served there?")
	// ErrReplaced says that another stream took the place of the one that was read, or that it went
	// back to a backup.
	ErrReplaced = errors.New("the stream " + events.Stream + " is not the one that was read any more")
	// ErrBeyondEnd says that the position to begin behind is one that the stream never reached.
	ErrBeyondEnd = errors.New("the stream " + events.Stream + " does not reach that position")
)

// AllEvents is the filter for every event once: the view by type, which has three tokens where that
// by meeting has five.
const AllEvents = "conference.*.*"

const (
	// lookTimeout bounds one exchange with the server.
	lookTimeout = 5 * time.Second
	// retryPause stands between two attempts to go on after an interruption.
	retryPause = 250 * time.Millisecond
)

// what is the reader's name where failures are reported.
const what = "reading the events"

// Options of a [Reader]. The zero value reads all that is stored.
type Options struct {
	// Subjects are the subjects to read, which must not overlap; empty stands for [AllEvents]. See
	// [Subjects].
	Subjects []string
	// After leaves out everything up to this position. Its Stream and Stored may be unknown; where
	// they are known, a stream that is another, or went back, is recognised.
	After diff.Position
	// Since leaves out what was stored earlier; it does nothing beside After.
	Since time.Time
	// Live goes on with what is stored after [Open], without end.
	Live bool
	// New leaves out everything stored before [Open].
	New bool
	// Patience is how long an interruption may last; 0 means without end.
	Patience time.Duration
	// Reporter is told of interruptions; it may be nil.
	Reporter condition.Reporter
	// Anew is called when a live reader goes on in another stream of the name, or in this one after
	// it went back, with the sequence after which it does; it may be nil.
	Anew func(after uint64)
}

// Subjects returns the subjects of one meeting's events, or of all meetings' when conferenceID is
// empty, of the given types, or of all types when there are none.
func Subjects(conferenceID string, types ...events.Type) []string {
	switch {
	case len(types) == 0 && conferenceID == "":
		return []string{AllEvents}
	case len(types) == 0:
		return []string{events.OfMeeting(conferenceID)}
	}
	out := make([]string, len(types))
	for i, t := range types {
		if out[i] = string(t); conferenceID != "" {
			out[i] = events.ByMeeting(conferenceID, t)
		}
	}
	return out
}

// Message is one stored event.
type Message struct {
	// Sequence is its position in the stream.
	Sequence uint64
	// Stored is when it was stored, by the server's clock.
	Stored time.Time
	// Subject is what it was published on: one of the two views.
	Subject string
	// Meeting is the id of the meeting it is about, as its header says; empty when it has none.
	Meeting string
	// Data is the event as it is stored.
	Data []byte

	id string // of the event, where the message has it in a header
}

// Type is the type of the event, as the subject has it in either view.
func (m Message) Type() events.Type { return events.TypeOf(m.Subject) }

// ID is the event's id; empty of what is no event. What is announced anew, after a loss of what was
// stored, has the id it had.
func (m Message) ID() string {
	if m.id != "" {
		return m.id
	}
	var e struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(m.Data, &e) != nil {
		return ""
	}
	return e.ID
}

// Reader reads events. It is no ordered consumer of the client library, because that one forgets
// where it began when it is interrupted before its first message, and cannot be stopped while it is
// interrupted.
type Reader struct {
	js      jetstream.JetStream
	opts    Options
	at      diff.Position // what was read last
	since   bool          // nothing was read yet, and only opts.Since tells where to begin
	end     diff.Position // the last to be read, unless it goes on without end
	passed  time.Time     // up to which all was read before the stream went back; zero while it has not
	waiting uint64
	began   time.Time // of the interruption; zero while there is none
}

// Open finds the end of the stream: no event stored after Open is missed by a live reader, none is
// read by another. It returns [ErrNoStream] when there is no stream, [ErrReplaced] when it is not
// that of opts.After any more, and [ErrBeyondEnd] when it ends before opts.After and is not live.
func Open(ctx context.Context, js jetstream.JetStream, opts Options) (*Reader, error) {
	if len(opts.Subjects) == 0 {
		opts.Subjects = Subjects("")
	}
	opts.Reporter = condition.OrNone(opts.Reporter)
	r := &Reader{js: js, opts: opts}
	info, err := r.stream(ctx)
	if err != nil {
		return nil, err
	}
	r.end = endOf(info)
	if opts.After.Sequence > r.end.Sequence && opts.After.Stream.IsZero() && !opts.Live {
		return nil, fmt.Errorf("%w: it ends at %d, before %d", ErrBeyondEnd, r.end.Sequence, opts.After.Sequence)
	}
	switch {
	case opts.New:
		r.at = r.end
	case !opts.After.Stream.IsZero():
		r.at = opts.After
		err = r.reaches(ctx, info)
	default:
		r.at = diff.Position{Stream: info.Created, Sequence: opts.After.Sequence, Stored: opts.After.Stored}
		r.since = opts.After.Sequence == 0 && !opts.Since.IsZero()
	}
	return r, err
}

// endOf is where a stream ends.
func endOf(info *jetstream.StreamInfo) diff.Position {
	return diff.Position{Stream: info.Created, Sequence: info.State.LastSeq, Stored: info.State.LastTime}
}

// End is where the stream ended when the reader was opened.
func (r *Reader) End() diff.Position { return r.end }

// Position is that of the event that was read last, or where reading begins.
func (r *Reader) Position() diff.Position { return r.at }

// Waiting is how many messages are yet to be read, as far as the server has said: 0 before the
// first.
func (r *Reader) Waiting() uint64 { return r.waiting }

func (r *Reader) stream(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	stream, err := r.js.Stream(ctx, events.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, ErrNoStream
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return stream.CachedInfo(), nil
}

// Run calls handle for every event in the order of the stream. It returns the error of handle, or
// nil once all is read or ctx has ended. An interruption loses nothing and repeats nothing; one
// that outlasts the patience, or cannot end well, is returned. Run can be called once.
func (r *Reader) Run(ctx context.Context, handle func(Message) error) error {
	for {
		err := r.read(ctx, handle)
		var refused *handleError
		switch {
		case err == nil, ctx.Err() != nil:
			return nil
		case errors.As(err, &refused):
			return refused.err
		case errors.Is(err, ErrReplaced), r.impatient():
			return err
		}
		r.opts.Reporter.Failed(what, err)
		if !pause.For(ctx, retryPause) {
			return nil
		}
	}
}

// impatient tells whether the interruption has lasted too long.
func (r *Reader) impatient() bool {
	if r.began.IsZero() {
		r.began = time.Now()
	}
	return r.opts.Patience > 0 && time.Since(r.began) >= r.opts.Patience
}

// handleError is what handle returned.
type handleError struct{ err error }

func (e *handleError) Error() string { return e.err.Error() }
