package publisher

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// inactive is how long the server keeps a consumer that is not used any more, unless it is told
	// otherwise.
	inactive = 30 * time.Second
	// heartbeat is how often the server says that there is nothing to deliver. Twice that time
	// without any is a failure: the server of a cluster that delivers may be gone, and a replica
	// that takes over a meeting waits for its state. A lost connection is noticed at once.
	heartbeat = time.Second
)

// deliver passes every message that a new consumer is given to handle, with where and when it is
// stored, until handle returns false, which is no error. Otherwise it ends with ctx, or when the
// connection or the consumer is lost.
//
// It is no ordered consumer of the client library: when that is interrupted it starts again for as
// long as it takes, without regard to ctx.
func (p *Publisher) deliver(ctx context.Context, st jetstream.Stream, cfg jetstream.ConsumerConfig, handle func(jetstream.Msg, *jetstream.MsgMetadata) bool) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := context.AfterFunc(p.link.current(), func() { cancel(errDisconnected) })
	defer stop()
	cons, err := st.CreateConsumer(ctx, ephemeral(cfg))
	if err != nil {
		return cause(ctx, err)
	}
	msgs, err := cons.Messages(jetstream.PullHeartbeat(heartbeat))
	if err != nil {
		return cause(ctx, err)
	}
	defer msgs.Stop()
	for delivered := uint64(1); ; delivered++ {
		msg, err := msgs.Next(jetstream.NextContext(ctx))
		if err != nil {
			return cause(ctx, err)
		}
		meta, err := msg.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != delivered {
			return fmt.Errorf("message %d came in place of %d", meta.Sequence.Consumer, delivered)
		}
		p.noteSequence(meta.Sequence.Stream)
		if !handle(msg, meta) {
			return nil
		}
	}
}

// ephemeral makes a consumer leave nothing behind.
func ephemeral(cfg jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	cfg.Name = events.OwnConsumers + cfg.Name + "-" + rand.Text()
	cfg.AckPolicy, cfg.MemoryStorage, cfg.Replicas = jetstream.AckNonePolicy, true, 1
	cfg.InactiveThreshold = cmp.Or(cfg.InactiveThreshold, inactive)
	return cfg
}

// cause is why ctx has ended, if err only says that it has.
func cause(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return context.Cause(ctx)
	}
	return err
}
