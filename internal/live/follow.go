// Package live follows the events as they are stored, and shows them to a person.
package live

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
)

// ErrNoStream says that the NATS server has no events of Rollcall.
var ErrNoStream = errors.New("the NATS server has no stream " + events.Stream + ": has rollcall served there?")

// lookTimeout bounds the wait for the stream's description.
const lookTimeout = 5 * time.Second

// Follow calls handle for every event stored from now on, in the order of the stream, until ctx ends or handle returns
// an error. An empty conferenceID stands for all meetings. An interruption of the connection loses nothing.
func Follow(ctx context.Context, nc *nats.Conn, conferenceID string, handle func(payload []byte) error) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return err
	}
	filter := []string{events.AllMembers, events.AllMeetings}
	if conferenceID != "" {
		filter = []string{events.OfMeeting(conferenceID)}
	}
	looking, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	consumer, err := js.OrderedConsumer(looking, events.Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: filter, DeliverPolicy: jetstream.DeliverNewPolicy, MaxResetAttempts: -1,
	})
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return ErrNoStream
	}
	if err != nil {
		return fmt.Errorf("following the events: %w", err)
	}
	messages, err := consumer.Messages()
	if err != nil {
		return fmt.Errorf("following the events: %w", err)
	}
	defer messages.Stop()
	stop := context.AfterFunc(ctx, messages.Stop)
	defer stop()
	return each(ctx, messages, handle)
}

func each(ctx context.Context, messages jetstream.MessagesContext, handle func([]byte) error) error {
	for {
		msg, err := messages.Next()
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			return fmt.Errorf("following the events: %w", err)
		}
		if err := handle(msg.Data()); err != nil {
			return err
		}
	}
}
