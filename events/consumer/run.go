package consumer

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

const (
	// A server that is silent for twice the heartbeat is asked again.
	pullExpiry = 10 * time.Second
	heartbeat  = 500 * time.Millisecond
	// retryPause stands between two attempts to go on after an interruption.
	retryPause = 250 * time.Millisecond
	// giveBack is how long a stop takes at most to give back what was delivered and not begun.
	giveBack = time.Second
)

// runner is one call of [Run].
type runner struct {
	js     jetstream.JetStream
	opts   Options
	handle Handler
	slots  chan struct{} // one for each event in flight

	mu     sync.Mutex
	known  map[string]progress // by event id: what is at work, and what was processed last
	done   []string            // the ids of known that were processed, in their order from oldest on
	oldest int
	open   map[uint64]time.Time // when the events were stored that were delivered and are not done with, by their position
	latest time.Time            // when the latest event was stored that was delivered

	stream time.Time // when the stream was made that the consumer belongs to
}

// progress is how far an event has come.
type progress uint8

const (
	running   progress = iota + 1 // the handler has it
	processed                     // the handler has processed it
)

// Run processes events until ctx ends, which is no error, or something happens that waiting does
// not solve: the options are wrong, or the error wraps [ErrNoStream], [ErrOtherConsumer] or
// [ErrDeleted], or the connection was closed. An interruption is waited for, however long it takes,
// and so is a stream that is deleted while Run goes on: see the package's documentation. When Run
// returns no handler runs any more.
func Run(ctx context.Context, js jetstream.JetStream, opts Options, handle Handler) error {
	if err := opts.validate(); err != nil {
		return err
	}
	opts = opts.withDefaults()
	r := &runner{js: js, opts: opts, handle: handle, slots: make(chan struct{}, opts.InFlight), known: map[string]progress{}, open: map[uint64]time.Time{}}
	durable, err := r.begins(ctx)
	if err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	var handlers sync.WaitGroup
	defer handlers.Wait()
	for failing := false; ; {
		err := r.consume(ctx, durable, &handlers, func() { failing = false })
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, jetstream.ErrConnectionClosed):
			return named(err)
		case !failing:
			failing = true
			opts.Logger.Warn("consuming is interrupted", "consumer", opts.Name, "error", err)
		}
		select {
		case <-time.After(retryPause):
		case <-ctx.Done():
			return nil
		}
		if durable, err = r.goOn(ctx, durable); err != nil {
			return err
		}
	}
}

// consume hands events to handlers until something fails.
func (r *runner) consume(ctx context.Context, durable jetstream.Consumer, handlers *sync.WaitGroup, works func()) error {
	messages, err := durable.Messages(jetstream.PullMaxMessages(r.opts.InFlight), jetstream.PullExpiry(pullExpiry),
		jetstream.PullHeartbeat(heartbeat), jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer r.returnRest(ctx, messages)
	for {
		select {
		case r.slots <- struct{}{}:
		case <-ctx.Done():
			return ctx.Err()
		}
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			<-r.slots
			return err
		}
		works()
		handlers.Go(func() {
			defer func() { <-r.slots }()
			r.process(ctx, msg)
		})
	}
}

// returnRest stops the deliveries. What is here already and was not begun is given back, for the
// next run to have it at once.
func (r *runner) returnRest(ctx context.Context, messages jetstream.MessagesContext) {
	messages.Drain()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), giveBack)
	defer cancel()
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			messages.Stop()
			return
		}
		if err := msg.Nak(); err != nil {
			r.opts.Logger.Debug("an event cannot be given back: it comes again later", "consumer", r.opts.Name, "error", err)
		}
	}
}
