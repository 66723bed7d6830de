package consumer

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// process deals with one delivery: in the end it is acknowledged, terminated, or left to come
// again.
func (r *runner) process(ctx context.Context, msg jetstream.Msg) {
	meta, err := msg.Metadata()
	if err != nil {
		r.opts.Logger.Error("a delivery that is none of the stream's", "consumer", r.opts.Name, "error", err)
		return
	}
	r.delivered(meta)
	e, err := events.Decode(msg.Data())
	if err != nil {
		r.reject(msg, meta.Sequence.Stream, err)
		return
	}
	d := Delivery{Event: e, Payload: msg.Data(), Position: meta.Sequence.Stream, Attempt: int(meta.NumDelivered)}
	switch r.begin(e.ID) {
	case running: // it was given up for lost while its handler works on it
		r.again(ctx, msg, r.opts.AckWait/2)
		return
	case processed: // the acknowledgement got lost
		r.finish(ctx, msg, d)
		return
	}
	seen, err := r.seen(ctx, e.ID)
	if err == nil && !seen {
		err = r.work(ctx, msg, d)
	}
	var final *rejected
	switch {
	case errors.As(err, &final):
		r.forget(e.ID)
		r.reject(msg, d.Position, final.err)
	case err != nil:
		r.forget(e.ID)
		r.failed(ctx, msg, d, err)
	case seen:
		r.acknowledge(ctx, msg, d)
	default:
		r.finish(ctx, msg, d)
	}
}

// begin notes that an event is being worked on, unless it is or was; then it says which.
func (r *runner) begin(id string) progress {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.known[id]; p != 0 {
		return p
	}
	r.known[id] = running
	return 0
}

// maxKnown bounds the processed events that are known: those that may come again because their
// acknowledgement was lost, or because they are announced anew after a loss of what was stored.
const maxKnown = 20_000

// note keeps that an event was processed.
func (r *runner) note(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known[id] == processed {
		return
	}
	r.known[id] = processed
	if len(r.done) < maxKnown {
		r.done = append(r.done, id)
		return
	}
	delete(r.known, r.done[r.oldest])
	r.done[r.oldest] = id
	r.oldest = (r.oldest + 1) % maxKnown
}

// forget keeps that an event was not processed, and may come again.
func (r *runner) forget(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, id)
}

func (r *runner) seen(ctx context.Context, id string) (bool, error) {
	if r.opts.Memory == nil {
		return false, nil
	}
	return r.opts.Memory.Seen(ctx, id)
}

// work calls the handler and, while it runs, tells the server that it does.
func (r *runner) work(ctx context.Context, msg jetstream.Msg, d Delivery) error {
	done, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		tick := time.NewTicker(r.opts.AckWait / 3)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				if err := msg.InProgress(); err != nil {
					r.opts.Logger.Debug("the server cannot be told that an event is being processed", "consumer", r.opts.Name, "error", err)
				}
			case <-done:
				return
			}
		}
	}()
	defer func() {
		close(done)
		<-stopped
	}()
	return r.handle(ctx, d)
}

// finish remembers and acknowledges an event that was processed. If one of both fails the event
// comes again, and is finished then.
func (r *runner) finish(ctx context.Context, msg jetstream.Msg, d Delivery) {
	r.note(d.ID)
	if r.opts.Memory != nil {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
		defer cancel()
		if err := r.opts.Memory.Remember(ctx, d.ID); err != nil {
			r.opts.Logger.Warn("a processed event cannot be remembered", "consumer", r.opts.Name, "event", d.ID, "error", err)
			r.again(ctx, msg, r.pause(d.Attempt))
			return
		}
	}
	r.acknowledge(ctx, msg, d)
}

// acknowledge waits for the server to confirm: then the event cannot come again.
func (r *runner) acknowledge(ctx context.Context, msg jetstream.Msg, d Delivery) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), exchangeTimeout)
	defer cancel()
	r.note(d.ID)
	r.closed(d.Position)
	if err := msg.DoubleAck(ctx); err != nil {
		r.opts.Logger.Warn("an event cannot be acknowledged: it comes again", "consumer", r.opts.Name, "event", d.ID, "error", err)
	}
}

// failed lets an event come again that the handler could not process: later and later, but at once
// when it could not because it was to stop.
func (r *runner) failed(ctx context.Context, msg jetstream.Msg, d Delivery, err error) {
	if ctx.Err() != nil {
		r.again(ctx, msg, 0)
		return
	}
	pause := r.pause(d.Attempt)
	r.opts.Logger.Warn("an event could not be processed", "consumer", r.opts.Name, "event", d.ID, "position", d.Position,
		"attempt", d.Attempt, "again", pause.Round(time.Millisecond).String(), "error", err)
	r.again(ctx, msg, pause)
}

// again asks for an event to be delivered once more. If the server does not hear of it, it does so
// after the AckWait.
func (r *runner) again(ctx context.Context, msg jetstream.Msg, after time.Duration) {
	nak := msg.Nak
	if after > 0 {
		nak = func() error { return msg.NakWithDelay(after) }
	}
	if err := nak(); err != nil && ctx.Err() == nil {
		r.opts.Logger.Debug("the server cannot be asked to deliver an event again", "consumer", r.opts.Name, "error", err)
	}
}

// pause is how long to wait after so many attempts: twice as long each time, give or take a tenth.
func (r *runner) pause(attempts int) time.Duration {
	pause := r.opts.RetryMin
	for i := 1; i < attempts && pause < r.opts.RetryMax; i++ {
		pause *= 2
	}
	pause = min(pause, r.opts.RetryMax)
	return pause + time.Duration((rand.Float64()-0.5)/5*float64(pause))
}

// reject reports a message that cannot be processed and makes the server deliver it no more.
func (r *runner) reject(msg jetstream.Msg, position uint64, err error) {
	r.opts.Logger.Error("a message is not processed", "consumer", r.opts.Name, "subject", msg.Subject(), "position", position, "error", err)
	if r.opts.Rejected != nil {
		r.opts.Rejected(Rejection{Subject: msg.Subject(), Payload: msg.Data(), Position: position, Err: err})
	}
	r.closed(position)
	if err := msg.TermWithReason("not processed"); err != nil {
		r.opts.Logger.Warn("the server cannot be told: the message comes again", "consumer", r.opts.Name, "error", err)
	}
}
