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
	// goneFor is for how long the servers have to say that there is no stream until it is made again: somebody may be about
	// to restore it from a backup, which they refuse to do over a stream that is there.
	goneFor = 2 * time.Second
	// askGone is how often they are asked meanwhile.
	askGone = 250 * time.Millisecond
	// unheard is more messages than others can have stored of which this publisher has not heard.
	unheardMargin = 1_000_000
)

// noted returns err, and has it looked into whether the stream is gone if it may say so.
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

// tend makes the stream again when it is gone, until ctx ends: somebody has deleted it, or the servers lost all they had.
// That another replica does so at the same time does no harm.
//
// The sequences of the new stream begin beyond those of the one before. So whoever read that one and goes on behind the
// last sequence they came to, as clients of NATS do without noticing that the stream is another, misses nothing.
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
		cfg := marked(streamConfig(p.opts.Replicas), p.Older())
		cfg.FirstSeq = p.reached.Load() + unheardMargin
		_, err := ensureStream(ctx, p.js, cfg, p.log)
		switch {
		case err == nil:
			p.log.Error("the stream was gone, with all that was stored: it was made again", "stream", events.Stream)
			failed = ""
		case ctx.Err() == nil && err.Error() != failed:
			p.log.Error("the stream is gone and cannot be made again", "stream", events.Stream, "error", err)
			failed = err.Error()
		}
	}
}

// heard takes note that the stream has reached a sequence.
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
