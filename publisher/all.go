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

// inactive is how long the server keeps a consumer that is not asked any more.
const inactive = 30 * time.Second

// All yields every state that is stored when it is called. It may lag behind the stream's leader; a commit on a record
// that is no longer the last gets [ErrConflict]. A meeting that changes meanwhile may be yielded twice, the newer one
// later. A state that cannot be read is yielded as an error that names its meeting, and the next follow; when the
// stream itself cannot be read, that error is the last.
func (p *Publisher) All(ctx context.Context) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		if err := p.all(ctx, yield); err != nil {
			yield(Record{}, fmt.Errorf("read all states: %w", err))
		}
	}
}

// all reads what is stored, and then, one by one, what was replaced before it could be read.
func (p *Publisher) all(ctx context.Context, yield func(Record, error) bool) error {
	st, err := p.js.Stream(ctx, events.Stream)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	more := true
	err = p.eachState(ctx, st, func(meeting string, record Record, err error) bool {
		seen[meeting] = true
		more = yield(record, err)
		return more
	})
	if err != nil || !more {
		return err
	}
	info, err := st.Info(ctx, jetstream.WithSubjectFilter(AllStates))
	if err != nil {
		return err
	}
	for subject := range info.State.Subjects {
		meeting := meetingOf(subject)
		if seen[meeting] {
			continue
		}
		record, err := p.Load(ctx, meeting)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if (err != nil || record.Revision > 0) && !yield(record, err) {
			return nil
		}
	}
	return nil
}

// eachState yields what a consumer of the last state of every meeting is given, until there is no more or the caller
// has enough, which is no error. A state that is replaced meanwhile may be left out.
func (p *Publisher) eachState(ctx context.Context, st jetstream.Stream, yield func(string, Record, error) bool) error {
	last := st.CachedInfo().State.LastSeq
	// No ordered consumer: when that is interrupted it begins anew for as long as it takes, whatever becomes of ctx.
	cons, err := st.CreateConsumer(ctx, jetstream.ConsumerConfig{
		FilterSubject: AllStates, DeliverPolicy: jetstream.DeliverLastPerSubjectPolicy, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: inactive,
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
	for delivered := uint64(1); ; {
		more, err := p.nextState(ctx, cons, msgs, last, &delivered, yield)
		if err != nil || !more {
			return err
		}
	}
}

// nextState yields one state and tells whether more are to come. Those behind last were stored after the call.
func (p *Publisher) nextState(ctx context.Context, cons jetstream.Consumer, msgs jetstream.MessagesContext, last uint64, delivered *uint64, yield func(string, Record, error) bool) (bool, error) {
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
	if meta.Sequence.Consumer != *delivered {
		return false, fmt.Errorf("state %d came in place of %d", meta.Sequence.Consumer, *delivered)
	}
	*delivered++
	record, err := recordOf(msg, meta.Sequence.Stream)
	return yield(meetingOf(msg.Subject()), record, err) && meta.NumPending > 0 && meta.Sequence.Stream < last, nil
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
