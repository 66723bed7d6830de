package chaos_test

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// everyMeeting is the filter for the member events of all meetings in their view by meeting.
const everyMeeting = "conference.id.*.member.*"

// stored reads every event that matches the filter, in the order of the stream.
func stored(ctx context.Context, t testing.TB, js jetstream.JetStream, filter string) []events.Event {
	consumer, err := js.OrderedConsumer(ctx, events.Stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{filter}})
	require.NoError(t, err)
	info, err := consumer.Info(ctx)
	require.NoError(t, err)
	if info.NumPending == 0 {
		return nil
	}
	messages, err := consumer.Messages()
	require.NoError(t, err)
	defer messages.Stop()
	var out []events.Event
	for {
		msg, err := messages.Next(jetstream.NextContext(ctx))
		require.NoError(t, err)
		e, err := events.Decode(msg.Data())
		require.NoError(t, err)
		out = append(out, e)
		meta, err := msg.Metadata()
		require.NoError(t, err)
		if meta.NumPending == 0 {
			return out
		}
	}
}
