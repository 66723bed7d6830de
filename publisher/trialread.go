package publisher

import (
	"cmp"
	"context"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// tryConsumers makes consumers, as many as are said at once, and reads by one of them.
func tryConsumers(ctx context.Context, st jetstream.Stream, n int) error {
	var cons jetstream.Consumer
	for i := range n {
		var err error
		if cons, err = st.CreateConsumer(ctx, ephemeral(jetstream.ConsumerConfig{Name: "trial"})); err != nil {
			return fmt.Errorf("create consumer %d of %d: %w", i+1, n, err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime/3)
	defer cancel()
	for {
		batch, err := cons.Fetch(1, jetstream.FetchContext(ctx))
		if err != nil {
			return fmt.Errorf("read by a consumer: %w", err)
		}
		for range batch.Messages() {
			return nil
		}
		if sleep(ctx, trialPause) != nil { // else it may not be known everywhere yet
			return fmt.Errorf("read by a consumer: %w", cmp.Or(batch.Error(), errNoAnswer))
		}
	}
}

// TryReading reads from the stream as a publisher does, by a consumer that it removes again. The
// stream has to exist.
func TryReading(ctx context.Context, nc *nats.Conn) (err error) {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, trialTime)
	defer cancel()
	cons, err := js.CreateConsumer(ctx, events.Stream, ephemeral(jetstream.ConsumerConfig{Name: "trial", HeadersOnly: true}))
	if err != nil {
		return fmt.Errorf("create a consumer: %w", err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), trialTime)
		defer cancel()
		// Else the server removes it soon.
		_ = js.DeleteConsumer(ctx, events.Stream, cons.CachedInfo().Name)
	}()
	batch, err := cons.FetchNoWait(1)
	if err != nil {
		return fmt.Errorf("read by a consumer: %w", err)
	}
	for range batch.Messages() { // what there is, if anything, arrives
	}
	return batch.Error()
}
