package publisher

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// aliveSubject is where it is kept when some replica was last alive: one message, stamped by the server.
const aliveSubject = "rollcall.alive"

// Beat stores that this replica is alive now.
func (p *Publisher) Beat(ctx context.Context) error {
	msg := nats.NewMsg(ingest + aliveSubject)
	msg.Header.Set(jetstream.MsgRollup, jetstream.MsgRollupSubject)
	if _, err := p.js.PublishMsg(ctx, msg); err != nil {
		return fmt.Errorf("storing that we are alive: %w", err)
	}
	return nil
}

// LastBeat returns when any replica was last alive; the zero time when none ever was.
func (p *Publisher) LastBeat(ctx context.Context) (time.Time, error) {
	stream, err := p.js.Stream(ctx, events.Stream)
	if err != nil {
		return time.Time{}, fmt.Errorf("when we were last alive: %w", err)
	}
	msg, err := stream.GetLastMsgForSubject(ctx, aliveSubject)
	switch {
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return time.Time{}, nil
	case err != nil:
		return time.Time{}, fmt.Errorf("when we were last alive: %w", err)
	}
	return msg.Time, nil
}
