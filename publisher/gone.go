package publisher

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

const (
	// goneFor is for how long the servers have to say that there is no stream until it is created
	// again: an operator may be about to restore it from a backup, which they refuse over an
	// existing stream.
	goneFor = 2 * time.Second
	// askGone is how often they are asked meanwhile.
	askGone = 250 * time.Millisecond
	// unheardMargin is more messages than others can have stored that this publisher does not know
	// of.
	unheardMargin = 1_000_000
)

// checkGone returns err, and has it checked whether the stream is gone if err may mean that.
func (p *Publisher) checkGone(err error) error {
	var refused *ServerError
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound), errors.Is(err, jetstream.ErrNoStreamResponse),
		errors.Is(err, nats.ErrNoResponders), errors.As(err, &refused) && refused.Code == codeNoStream:
		select {
		case p.missed <- struct{}{}:
		default:
		}
	}
	return err
}

// recreateWhenGone creates the stream again when it is gone, until ctx ends: it was deleted, or the
// servers lost everything. Another replica may do so at the same time, without harm.
//
// The sequences of the new stream begin beyond those of the old one. Clients of NATS that go on
// behind the last sequence they read do not notice that the stream is another; so they miss
// nothing.
func (p *Publisher) recreateWhenGone(ctx context.Context) {
	for failed := ""; ; {
		select {
		case <-p.missed:
		case <-ctx.Done():
			return
		}
		if !p.gone(ctx) {
			continue
		}
		cfg := p.newStream(p.Older(), p.format())
		cfg.FirstSeq = p.reached.Load() + unheardMargin
		_, err := ensureStream(ctx, p.js, cfg, p.log)
		switch {
		case err == nil:
			p.keyKept.Store(false)
			p.log.Error("the stream was gone, with all that was stored: it was made again", "stream", events.Stream)
			failed = ""
		case ctx.Err() == nil && err.Error() != failed:
			p.log.Error("the stream is gone and cannot be made again", "stream", events.Stream, "error", err)
			failed = err.Error()
		}
	}
}

// noteSequence notes that the stream has reached a sequence.
func (p *Publisher) noteSequence(sequence uint64) {
	for {
		known := p.reached.Load()
		if sequence <= known || p.reached.CompareAndSwap(known, sequence) {
			return
		}
	}
}

// gone tells whether the servers say, for long enough, that there is no stream.
func (p *Publisher) gone(ctx context.Context) bool {
	ticker := time.NewTicker(askGone)
	defer ticker.Stop()
	for began := time.Now(); ; {
		asking, cancel := context.WithTimeout(ctx, p.opts.AckTimeout)
		_, err := p.js.Stream(asking, events.Stream)
		cancel()
		switch {
		case !errors.Is(err, jetstream.ErrStreamNotFound): // it is there, or it cannot be told
			return false
		case time.Since(began) >= goneFor:
			return true
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return false
		}
	}
}
