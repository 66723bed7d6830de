package reading

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// A server that is silent for twice the heartbeat is asked again.
	pullExpiry = 10 * time.Second
	heartbeat  = 500 * time.Millisecond
	// pullMessages is how many messages are on their way at most: with events of 1 KB a few
	// megabytes.
	pullMessages = 1024
	// quiet is how long the reading of what is stored waits for the next message before it asks
	// whether there is any: the rest may have expired meanwhile.
	quiet = time.Second
	// inactive is how long the server keeps the position of a reader it hears nothing of.
	inactive = 30 * time.Second
	// serviceConnection is how the connection of the service is named.
	serviceConnection = "rollcall"
)

// read hands on messages until all are read, which is no error, or something fails.
func (r *Reader) read(ctx context.Context, handle func(Message) error) error {
	if r.done() {
		return nil
	}
	consumer, err := r.subscribe(ctx)
	if err != nil {
		return err
	}
	r.opts.Reporter.OK(what)
	r.began = time.Time{}
	if r.waiting = consumer.CachedInfo().NumPending; r.waiting == 0 && !r.opts.Live {
		r.drop(ctx, consumer)
		return nil
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(pullMessages), jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	defer context.AfterFunc(ctx, messages.Stop)()
	all, err := r.handOnAll(ctx, consumer, messages, handle)
	if all {
		r.drop(ctx, consumer)
	}
	return err
}

// handOnAll hands on the messages of a consumer and tells whether the consumer has no more.
func (r *Reader) handOnAll(ctx context.Context, consumer jetstream.Consumer, messages jetstream.MessagesContext, handle func(Message) error) (bool, error) {
	wait := jetstream.NextMaxWait(quiet)
	if r.opts.Live {
		wait = jetstream.NextContext(ctx)
	}
	for delivered := uint64(0); ; delivered++ {
		if ctx.Err() != nil { // what has arrived already is not handed on any more
			return false, ctx.Err()
		}
		msg, err := message(ctx, consumer, messages, wait, delivered)
		if err != nil {
			return false, err
		}
		if msg == nil {
			return true, nil
		}
		more, err := r.handOn(msg, delivered+1, handle)
		if err != nil || !more {
			return err == nil, err
		}
	}
}

// message waits for the next message; nil without an error says that there is none. delivered is
// how many came before.
func message(ctx context.Context, consumer jetstream.Consumer, messages jetstream.MessagesContext, wait jetstream.NextOpt, delivered uint64) (jetstream.Msg, error) {
	for {
		msg, err := messages.Next(wait)
		if err == nil || ctx.Err() != nil || !errors.Is(err, nats.ErrTimeout) {
			return msg, err
		}
		info, err := consumer.Info(ctx)
		switch {
		case err != nil:
			return nil, err
		case info.Delivered.Consumer > delivered:
			return nil, fmt.Errorf("%d messages do not arrive", info.Delivered.Consumer-delivered)
		case info.NumPending == 0:
			return nil, nil
		}
	}
}

// handOn hands on one message and tells whether there are more to be read.
func (r *Reader) handOn(msg jetstream.Msg, delivered uint64, handle func(Message) error) (bool, error) {
	meta, err := msg.Metadata()
	if err != nil {
		return false, err
	}
	if meta.Sequence.Consumer != delivered {
		return false, fmt.Errorf("message %d came in place of %d", meta.Sequence.Consumer, delivered)
	}
	if !r.opts.Live && meta.Sequence.Stream > r.end.Sequence {
		return false, nil
	}
	r.waiting = meta.NumPending
	if !meta.Timestamp.After(r.passed) {
		r.at.Sequence = meta.Sequence.Stream
		return r.opts.Live || meta.NumPending > 0 && !r.done(), nil
	}
	r.passed = time.Time{}
	err = handle(Message{
		Sequence: meta.Sequence.Stream, Stored: meta.Timestamp, Subject: msg.Subject(), Meeting: msg.Headers().Get(events.MeetingHeader), Data: msg.Data(),
		id: msg.Headers().Get(nats.MsgIdHdr),
	})
	if err != nil {
		return false, &handleError{err}
	}
	r.at.Sequence, r.at.Stored, r.since = meta.Sequence.Stream, meta.Timestamp, false
	return r.opts.Live || meta.NumPending > 0 && !r.done(), nil
}

// done tells whether everything is read that there was.
func (r *Reader) done() bool { return !r.opts.Live && r.at.Sequence >= r.end.Sequence }

// drop removes a consumer that is not needed any more: readings may be many. What fails is left to
// the server, which removes it later.
func (r *Reader) drop(ctx context.Context, consumer jetstream.Consumer) {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	_ = r.js.DeleteConsumer(ctx, events.Stream, consumer.CachedInfo().Name)
}

// subscribe asks for the messages from where the reader stands. It looks at the stream once the
// consumer is made: one of a stream before that is gone, too, and delivers nothing.
func (r *Reader) subscribe(ctx context.Context) (jetstream.Consumer, error) {
	for {
		consumer, err := r.consumer(ctx)
		if err != nil {
			return nil, err
		}
		info, err := r.stream(ctx)
		if err == nil {
			err = r.reaches(ctx, info)
		}
		if err == nil {
			return consumer, nil
		}
		r.drop(ctx, consumer)
		if !r.opts.Live || !errors.Is(err, ErrReplaced) {
			return nil, err
		}
		if err := r.goBack(ctx, info); err != nil {
			return nil, err
		}
	}
}

func (r *Reader) consumer(ctx context.Context) (jetstream.Consumer, error) {
	config := r.config()
	config.DeliverPolicy, config.OptStartSeq = jetstream.DeliverByStartSequencePolicy, r.at.Sequence+1
	if r.since {
		config.DeliverPolicy, config.OptStartSeq, config.OptStartTime = jetstream.DeliverByStartTimePolicy, 0, &r.opts.Since
	}
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	consumer, err := r.js.CreateConsumer(ctx, events.Stream, config)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil, ErrNoStream
	}
	return consumer, err
}

// config is what all consumers of a reader have in common.
func (r *Reader) config() jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{
		Name:           r.name(),
		Description:    "events, read by " + cmp.Or(r.js.Conn().Opts.Name, "rollcall"),
		FilterSubjects: r.opts.Subjects, AckPolicy: jetstream.AckNonePolicy, MemoryStorage: true, Replicas: 1,
		InactiveThreshold: inactive,
	}
}

// name is that of a consumer of the service, which is one of ours. A command may have logged in as
// a user who may only read, and is refused such names: its consumers are named by the client
// library.
func (r *Reader) name() string {
	if r.js.Conn().Opts.Name != serviceConnection {
		return ""
	}
	return events.OwnConsumers + "read-" + rand.Text()
}
