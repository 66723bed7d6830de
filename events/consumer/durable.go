package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// exchangeTimeout bounds one exchange with the server.
const exchangeTimeout = 5 * time.Second

// durable takes up the consumer of that name, or makes it. Where a consumer begins cannot be
// changed and is left alone.
func (o Options) durable(ctx context.Context, js jetstream.JetStream, fresh jetstream.ConsumerConfig) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	have, err := js.Consumer(ctx, events.Stream, o.Name)
	switch {
	case errors.Is(err, jetstream.ErrConsumerNotFound):
		// If another program is faster, its consumer is the same.
		made, err := js.CreateOrUpdateConsumer(ctx, events.Stream, fresh)
		return made, named(err)
	case err != nil:
		return nil, named(err)
	}
	config := have.CachedInfo().Config
	if config.DeliverSubject != "" || config.AckPolicy != jetstream.AckExplicitPolicy || config.Durable == "" {
		return nil, fmt.Errorf("%w: %s", ErrOtherConsumer, o.Name)
	}
	want := o.wanted(config)
	if slices.Equal(config.FilterSubjects, want.FilterSubjects) && config.AckWait == want.AckWait &&
		config.MaxAckPending == want.MaxAckPending && config.MaxDeliver == want.MaxDeliver && len(config.BackOff) == 0 {
		return have, nil
	}
	changed, err := js.UpdateConsumer(ctx, events.Stream, want)
	return changed, named(err)
}

// wanted returns a configuration, of a consumer that is there or of none, with what the options
// say.
func (o Options) wanted(have jetstream.ConsumerConfig) jetstream.ConsumerConfig {
	want := have
	if have.Durable == "" {
		want.Durable, want.AckPolicy = o.Name, jetstream.AckExplicitPolicy
		want.Description = "Rollcall's events, read by its Go package events/consumer"
		switch {
		case o.OnlyNew:
			want.DeliverPolicy = jetstream.DeliverNewPolicy
		case !o.Since.IsZero():
			want.DeliverPolicy, want.OptStartTime = jetstream.DeliverByStartTimePolicy, &o.Since
		}
	}
	want.FilterSubject, want.FilterSubjects = "", o.Subjects
	want.AckWait, want.MaxAckPending = o.AckWait, o.InFlight
	want.MaxDeliver, want.BackOff = -1, nil // nothing is ever given up in silence
	return want
}

// named makes the errors that a caller can act on ours.
func named(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return ErrNoStream
	case errors.Is(err, jetstream.ErrConsumerDeleted), errors.Is(err, jetstream.ErrConsumerNotFound):
		return ErrDeleted
	default:
		return fmt.Errorf("consumer: %w", err)
	}
}
