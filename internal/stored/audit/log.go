package audit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/evidence"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/poller/condition"
)

const (
	// what names the log in reports of what fails.
	what = "log of meetings"
	// tick is how often it is looked whether a checkpoint is due, and whose turn it is.
	tick = time.Second
	// firstRetry and lastRetry bound the pause after something has failed.
	firstRetry, lastRetry = 200 * time.Millisecond, 10 * time.Second
)

// Teller stores a checkpoint as an event, unless the newest such event has it. A publisher is one.
type Teller interface {
	TellCheckpoint(ctx context.Context, signed string, size int64, at time.Time) error
}

// Options of a [Log].
type Options struct {
	JetStream jetstream.JetStream
	// CorpID is the organisation; empty stands for "default".
	CorpID string
	// Signer signs the checkpoints.
	Signer evidence.Signer
	Teller Teller
	// Interval is the least time between two checkpoints.
	Interval time.Duration
	// Retention is how long checkpoints are kept as events; 0 means without end.
	Retention time.Duration
	// Replicas is how many copies the servers keep of the log at least.
	Replicas int
	// Mine tells whether it is this replica's turn to add to the log. Two at once do no harm.
	Mine func() bool
	// Reporter is told of failures; it may be nil.
	Reporter condition.Reporter
	// Logger may be nil.
	Logger *slog.Logger
	// Now is the clock that checkpoints are dated by; [time.Now] when nil.
	Now func() time.Time
}

// Log adds to the log what ends, and signs checkpoints of it.
type Log struct {
	opts   Options
	store  store
	origin string

	mu sync.Mutex
	// What follows is what is stored, as far as this replica knows.
	tree     evidence.Tree
	last     tile // the last one
	signed   evidence.Checkpoint
	note     []byte // of the newest checkpoint; nil when there is none
	revision uint64 // of the note
	told     bool   // the newest checkpoint is stored as an event
	// known are the leaves, while events are read that may be among them; otherwise nil.
	known   map[evidence.Hash]struct{}
	pending []pending
	failure error // why the log does not go on; nil while it does
}

// pending is a leaf that is not stored yet.
type pending struct {
	leaf evidence.Hash
	at   diff.Position
}

// New returns a log that has read nothing yet.
func New(opts Options) *Log {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.Reporter = condition.OrNone(opts.Reporter)
	return &Log{opts: opts, store: store{opts.JetStream}, origin: evidence.Origin(opts.CorpID)}
}

// Run keeps the log until ctx ends, whenever it is this replica's turn. What fails is tried again.
func (l *Log) Run(ctx context.Context) {
	for failures := 0; ; {
		if !l.opts.Mine() {
			l.fail(nil)
			if !pause.For(ctx, tick) {
				return
			}
			continue
		}
		began := time.Now()
		err := l.turn(ctx)
		if ctx.Err() != nil {
			return
		}
		if time.Since(began) > lastRetry {
			failures = 0
		}
		if err == nil || errors.Is(err, ErrOther) || errors.Is(err, errAgain) {
			err = nil
		}
		l.fail(err)
		failures++
		if !pause.For(ctx, pause.After(failures, firstRetry, lastRetry)) {
			return
		}
	}
}

// fail takes note of why the log does not go on.
func (l *Log) fail(err error) {
	l.mu.Lock()
	l.failure = err
	l.mu.Unlock()
	if err != nil {
		l.opts.Reporter.Failed(what, err)
	} else {
		l.opts.Reporter.OK(what)
	}
}

// Err is why the log does not go on; nil while it does, or while that is another replica's turn.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failure
}

// errAgain says that all is to be read again.
var errAgain = errors.New("the events are read again")

// turn keeps the log until it is no more this replica's turn, or something fails.
func (l *Log) turn(ctx context.Context) error {
	if err := l.load(ctx); err != nil {
		return err
	}
	after, err := l.after(ctx)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	reader, err := reading.Open(ctx, l.opts.JetStream, reading.Options{
		Subjects: reading.Subjects("", events.MeetingEnded, events.PersonErased), After: after, Live: true, Reporter: l.opts.Reporter,
		Anew: func(uint64) { stop(errAgain) },
	})
	if err != nil {
		return err
	}
	var ticking sync.WaitGroup
	defer ticking.Wait()
	defer stop(nil)
	ticking.Go(func() { l.tick(ctx, stop) })
	l.fail(nil)
	if err = reader.Run(ctx, func(m reading.Message) error { return l.add(ctx, reader, m) }); err != nil {
		return err
	}
	return context.Cause(ctx)
}

// tick signs checkpoints, and stops the turn when it is over.
func (l *Log) tick(ctx context.Context, stop context.CancelCauseFunc) {
	for {
		l.mu.Lock()
		err := l.flush(ctx)
		if err == nil {
			err = l.checkpoint(ctx)
		}
		l.mu.Unlock()
		if err != nil {
			stop(err)
			return
		}
		if !pause.For(ctx, tick) {
			return
		}
		if !l.opts.Mine() {
			stop(errAgain)
			return
		}
	}
}

// after is where the events begin that are not in the log. Where the stream is another by now, or
// was set back, some that follow may be in it.
func (l *Log) after(ctx context.Context) (diff.Position, error) {
	at := l.last.at
	if l.tree.Size() == 0 {
		return diff.Position{}, nil
	}
	next, err := reading.GoOn(ctx, l.opts.JetStream, reading.Subjects("", events.MeetingEnded, events.PersonErased), at)
	if err != nil || next == at {
		return next, err
	}
	leaves, err := l.leaves(ctx)
	if err != nil {
		return at, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = make(map[evidence.Hash]struct{}, len(leaves))
	for _, leaf := range leaves {
		l.known[leaf] = struct{}{}
	}
	return diff.Position{}, nil
}
