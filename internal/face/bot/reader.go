package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
)

// ackWait is after how long the server delivers again what was lost on its way, besides the time
// that a batch waits.
const ackWait = 5 * time.Second

// consumerPrefix begins the names of the durable consumers; that of the robot follows.
const consumerPrefix = events.OwnConsumers + "bot-"

// subjects are what is read.
var subjects = []string{events.AllMembers, string(events.MeetingStarted), string(events.MeetingUpdated), string(events.MeetingEnded)}

// reader reads the events for one robot, by a durable consumer that shows how far the robot is
// behind. The consumer begins anew whenever a process begins to send: where to go on from is known
// by the robot's entry alone, because it has to change together with the messages that are to be
// sent.
type reader struct {
	consumer jetstream.Consumer
	received uint64        // messages, all deliveries counted
	last     jetstream.Msg // the one furthest in the stream of those that are not yet acknowledged
	lastSeq  uint64        // its sequence in the stream
	seen     uint64        // the highest sequence in the stream that was handed on
	stored   time.Time     // when that message was stored
}

// read begins after a sequence in the stream. What is read is dealt with after at most hold.
func read(ctx context.Context, stream jetstream.Stream, robot string, after diff.Position, hold time.Duration) (*reader, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	name := consumerPrefix + robot
	if err := stream.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
		return nil, fmt.Errorf("replace the consumer %s: %w", name, err)
	}
	consumer, err := stream.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: name, Description: "what rollcall bot tells the robot " + robot,
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: after.Sequence + 1,
		FilterSubjects: subjects,
		AckPolicy:      jetstream.AckAllPolicy, AckWait: hold + ackWait, MaxAckPending: -1,
	})
	if err != nil {
		return nil, fmt.Errorf("create the consumer %s: %w", name, err)
	}
	return &reader{consumer: consumer, seen: after.Sequence, stored: after.Stored}, nil
}

// delivery is one message of the stream.
type delivery struct {
	seq     uint64
	payload []byte
}

// next returns at most limit messages: those that are there already or, when there is none, the
// first that comes within wait. It returns none when the time is over.
func (r *reader) next(ctx context.Context, limit int, wait time.Duration) ([]delivery, error) {
	batch, err := r.consumer.FetchNoWait(limit)
	if err != nil {
		return nil, err
	}
	found, err := r.take(batch)
	if err != nil || len(found) > 0 || wait <= 0 {
		return found, err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if batch, err = r.consumer.Fetch(1, jetstream.FetchContext(ctx)); err != nil {
		return nil, untimely(ctx, err)
	}
	found, err = r.take(batch)
	return found, untimely(ctx, err)
}

// untimely makes nothing of an error that only says that the time is over.
func untimely(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// take checks that no message is missing: every delivery is numbered, and the server delivers again
// what it knows not to have arrived.
func (r *reader) take(batch jetstream.MessageBatch) ([]delivery, error) {
	var found []delivery
	for msg := range batch.Messages() {
		meta, err := msg.Metadata()
		if err != nil {
			return nil, err
		}
		if r.received++; meta.Sequence.Consumer != r.received {
			return nil, fmt.Errorf("message %d came in place of %d", meta.Sequence.Consumer, r.received)
		}
		if r.last == nil || meta.Sequence.Stream >= r.lastSeq {
			r.last, r.lastSeq = msg, meta.Sequence.Stream
		}
		if meta.Sequence.Stream > r.seen { // else it is here already, and waits to be told
			r.seen, r.stored = meta.Sequence.Stream, meta.Timestamp
			found = append(found, delivery{r.seen, msg.Data()})
		}
	}
	return found, batch.Error()
}

// done says that everything up to a sequence is dealt with. That it gets lost does no harm.
func (r *reader) done(upTo uint64) {
	if r.last != nil && r.lastSeq <= upTo {
		_ = r.last.Ack()
		r.last = nil
	}
}
