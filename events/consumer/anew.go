package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// begins takes up the consumer or makes it, and takes note of which stream it belongs to.
func (r *runner) begins(ctx context.Context) (jetstream.Consumer, error) {
	stream, err := r.look(ctx)
	if err != nil {
		return nil, named(err)
	}
	r.stream = stream.Created
	return r.opts.durable(ctx, r.js, r.opts.wanted(jetstream.ConsumerConfig{}))
}

// look looks at the stream.
func (r *runner) look(ctx context.Context) (*jetstream.StreamInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	stream, err := r.js.Stream(ctx, events.Stream)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo(), nil
}

// goOn returns the consumer to go on with after an interruption. When the stream is another one,
// the consumer was deleted with the one before, and is made again. When it is not, somebody has
// deleted the consumer alone, which is [ErrDeleted]. A server that does not answer says nothing,
// nor does one that has no stream at present: Rollcall makes it again.
func (r *runner) goOn(ctx context.Context, durable jetstream.Consumer) (jetstream.Consumer, error) {
	stream, err := r.look(ctx)
	if err != nil {
		return durable, nil //nolint:nilerr // it is tried again, and reported by who uses the consumer
	}
	if stream.Created.Equal(r.stream) {
		return durable, r.there(ctx)
	}
	next, err := r.opts.durable(ctx, r.js, r.restart(stream))
	switch {
	case errors.Is(err, ErrOtherConsumer):
		return nil, err
	case err != nil:
		r.opts.Logger.Debug("the consumer cannot be made again yet", "consumer", r.opts.Name, "error", err)
		return durable, nil
	}
	r.opts.Logger.Warn("the stream is another one: the consumer was made again", "consumer", r.opts.Name)
	r.stream = stream.Created
	r.mu.Lock()
	defer r.mu.Unlock()
	clear(r.open) // what is announced anew is delivered anew
	return next, nil
}

// there returns [ErrDeleted] when the server says that there is no such consumer any more.
func (r *runner) there(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeTimeout)
	defer cancel()
	_, err := r.js.Consumer(ctx, events.Stream, r.opts.Name)
	if errors.Is(err, jetstream.ErrConsumerNotFound) {
		return named(err)
	}
	return nil
}

// restart is the configuration of the consumer of another stream. All that is stored there is new,
// unless the stream was restored from a backup, which one tells by messages that are older than it:
// then it goes on with the oldest that was not done with.
func (r *runner) restart(stream *jetstream.StreamInfo) jetstream.ConsumerConfig {
	opts := r.opts
	opts.OnlyNew, opts.Since = false, time.Time{}
	if stream.State.FirstTime.Before(stream.Created) {
		opts.Since = r.undone()
	}
	return opts.wanted(jetstream.ConsumerConfig{})
}

// undone is when the oldest event was stored that is not done with; when all are, that of the
// latest.
func (r *runner) undone() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	oldest := r.latest
	for _, stored := range r.open {
		if stored.Before(oldest) {
			oldest = stored
		}
	}
	return oldest
}

// delivered takes note of a delivery.
func (r *runner) delivered(meta *jetstream.MsgMetadata) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open[meta.Sequence.Stream] = meta.Timestamp
	if meta.Timestamp.After(r.latest) {
		r.latest = meta.Timestamp
	}
}

// closed takes note that an event is done with.
func (r *runner) closed(position uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.open, position)
}
