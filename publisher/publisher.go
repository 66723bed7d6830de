// Package publisher stores what happened in meetings. It commits the events of a change and the
// meeting's new state as one atomic batch into one JetStream stream, the state guarded by
// compare-and-set: a change is stored whole and once, or not at all, whichever replicas write for
// the same meeting.
package publisher

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
)

// Publisher reads and commits the states of meetings. It is made by [Open]; its methods are safe
// for concurrent use.
type Publisher struct {
	nc   *nats.Conn
	js   jetstream.JetStream
	opts Options
	log  *slog.Logger

	// To the committer; unbuffered, so that a job is always the caller's or the committer's.
	jobs   chan *job
	missed chan struct{} // holds a token when the stream may be gone
	// Holds a token when the stream's configuration is to be compared soon.
	compareSoon chan struct{}
	running     atomic.Bool   // Run was called
	stopped     chan struct{} // closed when Run has returned
	link        link
	// batchLimit is how many messages the server takes in one batch.
	batchLimit atomic.Int64
	// reached is the highest sequence of the stream that this publisher knows of.
	reached atomic.Uint64
	// older is [Publisher.Older].
	older atomic.Bool
	// streamFormat is what format returns.
	streamFormat atomic.Int32
	publicKey    string      // of the signer
	keyKept      atomic.Bool // it stands in the stream, as far as is known
	mayDo        bool        // Switch said so the last time; only watchConfig uses it
	// remembering is until when a duplicate is taken at once for an id that only the server
	// remembers, as Unix nanoseconds.
	remembering atomic.Int64

	mu       sync.Mutex
	inflight map[string]*job // by meeting: what the committer has taken and not finished yet
	beats    beats           // as stored last, as far as is known
	// By meeting: the revision of a state that lacks events which are stored.
	setBack     map[string]uint64
	refusedLast shape // what the server refused last and has not taken since
	drift       drift // as found last

	// trial says that it commits to [TrialStream].
	trial bool
	// blind leaves the compare-and-set out, so that a test can show what it is good for.
	blind bool
}

// Record is a meeting's state as stored.
type Record = diff.Record

// Options of a publisher. The zero value works.
type Options struct {
	// CorpID is the organisation, for the source of events; empty stands for "default".
	CorpID string
	// Replicas is how many copies of the stream the servers keep at least; 1 when 0.
	Replicas int
	// Privacy is how events tell of people.
	Privacy Privacy
	// Retention is how long events are kept, a second to 100 years; 0 keeps them for ever.
	Retention time.Duration
	// CheckpointRetention is how long checkpoints of the log of meetings are kept, as Retention.
	CheckpointRetention time.Duration
	// AckTimeout is how long an answer of the server is waited for; 5 seconds when 0.
	AckTimeout time.Duration
	// GiveUpAfter is how long a commit is tried again while the server cannot take it; 15 seconds
	// when 0.
	GiveUpAfter time.Duration
	// CompareEvery is about how often the stream's configuration is compared with what is wanted; a
	// minute when 0.
	CompareEvery time.Duration
	// Signer seals what ends a part of a meeting. Without it events are chained and not sealed.
	Signer Signer
	// Switch tells whether every live replica can do a format of the stream. Without it no stream of
	// an older one is switched.
	Switch func(format int) bool
	// Attempted is called after each attempt to store something: with nil if it was stored,
	// otherwise with why not, from the first attempt of a commit on. It is not called when another
	// writer was first, when a commit is wrong in itself, or for a commit that fits after a larger
	// one was refused. It may be called by several goroutines at once.
	Attempted func(error)
	// Logger gets the stream's creation and changes, and what had to be tried again.
	Logger *slog.Logger
	// Now is the clock that RecordedTime is read from.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	if o.Replicas == 0 {
		o.Replicas = 1
	}
	if o.AckTimeout == 0 {
		o.AckTimeout = 5 * time.Second
	}
	if o.GiveUpAfter == 0 {
		o.GiveUpAfter = 15 * time.Second
	}
	if o.CompareEvery == 0 {
		o.CompareEvery = driftEvery
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

func (o Options) check() error {
	switch {
	case o.Replicas < 1 || o.Replicas > 5:
		return fmt.Errorf("replicas: %d is not 1 to 5", o.Replicas)
	case o.Retention < 0 || o.Retention > 0 && o.Retention < time.Second:
		return fmt.Errorf("retention: %s is neither 0 nor at least 1s", o.Retention)
	case o.Retention > maxRetention:
		return fmt.Errorf("retention: %s is more than 100 years; 0 keeps events for ever", o.Retention)
	case o.CompareEvery < 0:
		return fmt.Errorf("comparing: every %s is negative", o.CompareEvery)
	case o.AckTimeout < 0:
		return fmt.Errorf("ack timeout: %s is negative", o.AckTimeout)
	case o.GiveUpAfter < 0:
		return fmt.Errorf("give-up time: %s is negative", o.GiveUpAfter)
	}
	return nil
}

// Open checks the server and creates the stream, or checks the one that exists: what can be changed
// without harm is changed, anything else is refused with [ErrStreamConfig], and a stream that tells
// of people in another way with a [PrivacyError], before anything is changed. A server older than
// 2.12.8, the connected one or one that keeps the stream, is refused with [ErrServerTooOld];
// one older than 2.14.6 is warned of.
//
// nc must not buffer while it is disconnected (nats.ReconnectBufSize(-1)): a commit must not be
// sent long after its caller was told that it failed. Open does not take over nc; it is to stay
// open until [Publisher.Run] has returned.
func Open(ctx context.Context, nc *nats.Conn, opts Options) (*Publisher, error) {
	opts = opts.withDefaults()
	if err := opts.check(); err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	if nc.Opts.ReconnectBufSize >= 0 {
		return nil, errors.New("publisher: the NATS connection buffers while it is disconnected; connect with nats.ReconnectBufSize(-1)")
	}
	if err := CheckServer(nc); err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	p := &Publisher{
		nc: nc, js: js, opts: opts, log: opts.Logger,
		jobs: make(chan *job), missed: make(chan struct{}, 1), compareSoon: make(chan struct{}, 1), stopped: make(chan struct{}), inflight: make(map[string]*job),
		setBack: make(map[string]uint64),
	}
	if err := p.checkPrivacy(ctx); err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	have, err := ensureStream(ctx, js, p.newStream(false, Format), opts.Logger)
	if err == nil {
		have, err = p.settlePrivacy(ctx, have)
	}
	if err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	if err := checkKeepers(ctx, nc, js, opts.Logger); err != nil {
		return nil, fmt.Errorf("publisher: %w", err)
	}
	p.batchLimit.Store(maxBatch)
	p.older.Store(older(have))
	p.noteFormat(have)
	if p.opts.Signer != nil {
		if p.publicKey, err = p.opts.Signer.PublicKey(); err != nil {
			return nil, fmt.Errorf("publisher: the key that seals: %w", err)
		}
	}
	return p, nil
}
