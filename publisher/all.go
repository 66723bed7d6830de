package publisher

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// quiet is how long reading all states waits for the next one before it asks whether there is any.
const quiet = time.Second

// All yields every state that is stored when it is called. It may lag behind the stream's leader; a commit on a record
// that is no longer the last gets [ErrConflict]. A meeting that changes meanwhile may be yielded twice, the newer one
// later. A state that cannot be read is yielded as an error that names its meeting, and the next follow; when the
// stream itself cannot be read, that error is the last.
func (p *Publisher) All(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := p.eachState(ctx, yield); err != nil {
			yield(Record{}, fmt.Errorf("read all states: %w", err))
		}
	}
}

// eachState yields until there is no more or the caller has enough, which is no error.
func (p *Publisher) eachState(ctx context.Context, yield func(Record, error) bool) error {
	st, err := p.js.Stream(ctx, events.Stream)
	if err != nil {
		return err
	}
	last := st.CachedInfo().State.LastSeq
	cons, err := st.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{AllStates},
		DeliverPolicy:  jetstream.DeliverLastPerSubjectPolicy,
	})
	if err != nil {
		return err
	}
	if left, err := pending(ctx, cons); err != nil || left == 0 {
		return err
	}
	msgs, err := cons.Messages()
	if err != nil {
		return err
	}
	defer msgs.Stop()
	for {
		more, err := p.nextState(ctx, cons, msgs, last, yield)
		if err != nil || !more {
			return err
		}
	}
}

// nextState yields one state and tells whether more are to come. Those behind last were stored after the call.
func (p *Publisher) nextState(ctx context.Context, cons jetstream.Consumer, msgs jetstream.MessagesContext, last uint64, yield func(Record, error) bool) (bool, error) {
	msg, err := next(ctx, msgs)
	if errors.Is(err, nats.ErrTimeout) && ctx.Err() == nil {
		// What was pending may have been replaced or removed.
		left, err := pending(ctx, cons)
		return left > 0, err
	}
	if err != nil {
		return false, err
	}
	meta, err := msg.Metadata()
	if err != nil {
		return false, err
	}
	return yield(recordOf(msg, meta.Sequence.Stream)) && meta.NumPending > 0 && meta.Sequence.Stream < last, nil
}

// next waits for a message until ctx ends, and not longer than the time for which silence is normal.
func next(ctx context.Context, msgs jetstream.MessagesContext) (jetstream.Msg, error) {
	waiting, cancel := context.WithTimeoutCause(ctx, quiet, nats.ErrTimeout)
	defer cancel()
	msg, err := msgs.Next(jetstream.NextContext(waiting))
	if err != nil && waiting.Err() != nil {
		return nil, context.Cause(waiting)
	}
	return msg, err
}

// pending asks how many messages the consumer has not delivered.
func pending(ctx context.Context, cons jetstream.Consumer) (uint64, error) {
	info, err := cons.Info(ctx)
	if err != nil {
		return 0, err
	}
	return info.NumPending, nil
}

func recordOf(msg jetstream.Msg, seq uint64) (Record, error) {
	id := meetingOf(msg.Subject())
	s := stored{revision: seq, data: msg.Data()}
	if err := s.readHeader(msg.Headers()); err != nil {
		return Record{}, fmt.Errorf("state of meeting %s at %d: %w", id, seq, err)
	}
	return s.record(id)
}
