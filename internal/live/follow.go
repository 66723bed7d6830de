// Package live follows the events as they are stored, and shows them to a person.
package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// ErrNoStream says that the NATS server has no events of Rollcall.
var ErrNoStream = errors.New("the NATS server has no stream " + events.Stream + ": has rollcall served there?")

const (
	// lookTimeout bounds one exchange with the server.
	lookTimeout = 5 * time.Second
	// A server that is silent for twice the heartbeat is asked again.
	pullExpiry = 10 * time.Second
	heartbeat  = 500 * time.Millisecond
	// retryPause stands between two attempts to go on after an interruption.
	retryPause = 250 * time.Millisecond
	// inactive is how long the server keeps the position of a follower it hears nothing of.
	inactive = 30 * time.Second
)

// what is the follower's name where failures are reported.
const what = "following the events"

// Options of a [Follower]. The zero value follows every meeting.
type Options struct {
	// Meeting is the conferenceId of the one meeting to follow; empty stands for all.
	Meeting string
	// Reporter is told of interruptions; nobody when nil.
	Reporter poller.Reporter
}

// Follower follows the events of the stream. It is no ordered consumer of the client library, because that one forgets
// where it began when it is interrupted before its first message, and cannot be stopped while it is interrupted.
type Follower struct {
	js      jetstream.JetStream
	opts    Options
	filters []string
	next    uint64    // the stream's sequence to go on from
	created time.Time // the stream's, which tells it from another of its name
}

// Open finds the end of the stream, where [Follower.Run] begins: no event stored after Open is missed. It returns
// [ErrNoStream] when there is no stream.
func Open(ctx context.Context, nc *nats.Conn, opts Options) (*Follower, error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	f := &Follower{js: js, opts: opts, filters: []string{events.AllMembers, events.AllMeetings}}
	if opts.Meeting != "" {
		f.filters = []string{events.OfMeeting(opts.Meeting)}
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	info, err := f.stream(ctx)
	if err != nil {
		return nil, err
	}
	f.next, f.created = info.State.LastSeq+1, info.Created
	return f, nil
}

func (f *Follower) stream(ctx context.Context) (*jetstream.StreamInfo, error) {
	stream, err := f.js.Stream(ctx, events.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, ErrNoStream
	case err != nil:
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	return stream.CachedInfo(), nil
}

// Run calls handle for every event in the order of the stream, until ctx ends or handle returns an error, which Run
// returns. An interruption, however long, loses nothing and repeats nothing. Run can be called once.
func (f *Follower) Run(ctx context.Context, handle func(payload []byte) error) error {
	for {
		err := f.follow(ctx, handle)
		var refused *handleError
		switch {
		case errors.As(err, &refused):
			return refused.err
		case ctx.Err() != nil:
			return nil
		}
		if f.opts.Reporter != nil {
			f.opts.Reporter.Failed(what, err)
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return nil
		}
	}
}

// handleError is what handle returned.
type handleError struct{ err error }

func (e *handleError) Error() string { return e.err.Error() }

// follow hands on messages until something fails.
func (f *Follower) follow(ctx context.Context, handle func([]byte) error) error {
	messages, err := f.subscribe(ctx)
	if err != nil {
		return err
	}
	defer messages.Stop()
	if f.opts.Reporter != nil {
		f.opts.Reporter.OK(what)
	}
	for delivered := uint64(1); ; delivered++ {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != delivered {
			return fmt.Errorf("message %d came in place of %d", meta.Sequence.Consumer, delivered)
		}
		if err := handle(msg.Data()); err != nil {
			return &handleError{err}
		}
		f.next = meta.Sequence.Stream + 1
	}
}

// subscribe asks for the messages from f.next on.
func (f *Follower) subscribe(ctx context.Context) (jetstream.MessagesContext, error) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	info, err := f.stream(ctx)
	switch {
	case err != nil:
		return nil, err
	case !info.Created.Equal(f.created): // another stream took its place: all of it is new
		f.next, f.created = 1, info.Created
	case info.State.LastSeq+1 < f.next: // the server lost what it had not yet written; it will be stored again
		f.next = info.State.LastSeq + 1
	}
	consumer, err := f.js.CreateConsumer(ctx, events.Stream, jetstream.ConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: f.next, FilterSubjects: f.filters,
		AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1, InactiveThreshold: inactive,
	})
	if err != nil {
		return nil, err
	}
	return consumer.Messages(jetstream.PullExpiry(pullExpiry), jetstream.PullHeartbeat(heartbeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
}
