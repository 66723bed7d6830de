package readers_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
)

// A reader reads in every way there is: live, by a durable consumer, by an ordered one, and one
// message alone.
func TestReadersRead(t *testing.T) {
	w := newWorld(t)
	reader := w.connect(w.server.ClientURL())
	live, err := reader.Conn().SubscribeSync("conference.member.*")
	require.NoError(t, err)
	require.NoError(t, reader.Conn().Flush())
	w.store("one", "two", "three")
	for _, want := range []string{"one", "two", "three"} {
		msg, err := live.NextMsg(patience)
		require.NoError(t, err)
		assert.Equal(t, want, string(msg.Data))
	}
	t.Run("durable", func(t *testing.T) {
		c, err := reader.CreateOrUpdateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{
			Durable: "audit", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: events.AllMembers, MaxDeliver: -1,
		})
		require.NoError(t, err)
		messages, err := c.Messages(jetstream.PullMaxMessages(2))
		require.NoError(t, err)
		defer messages.Stop()
		for _, want := range []string{"one", "two", "three"} {
			msg, err := messages.Next(jetstream.NextMaxWait(patience))
			require.NoError(t, err)
			assert.Equal(t, want, string(msg.Data()))
			assert.Equal(t, "conference.member.joined", msg.Subject())
			require.NoError(t, msg.DoubleAck(t.Context()))
		}
		changed, err := reader.UpdateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{
			Durable: "audit", AckPolicy: jetstream.AckExplicitPolicy, FilterSubject: events.AllMembers, MaxDeliver: -1, AckWait: time.Hour,
		})
		require.NoError(t, err)
		assert.Equal(t, time.Hour, changed.CachedInfo().Config.AckWait)
		assert.EqualValues(t, 3, changed.CachedInfo().AckFloor.Consumer)
		require.NoError(t, reader.DeleteConsumer(t.Context(), events.Stream, "audit"))
		_, err = reader.Consumer(t.Context(), events.Stream, "audit")
		require.ErrorIs(t, err, jetstream.ErrConsumerNotFound)
	})
	t.Run("ordered", func(t *testing.T) {
		c, err := reader.OrderedConsumer(t.Context(), events.Stream, jetstream.OrderedConsumerConfig{FilterSubjects: []string{events.AllMembers}})
		require.NoError(t, err)
		messages, err := c.Messages()
		require.NoError(t, err)
		defer messages.Stop()
		for _, want := range []string{"one", "two", "three"} {
			msg, err := messages.Next(jetstream.NextMaxWait(patience))
			require.NoError(t, err)
			assert.Equal(t, want, string(msg.Data()))
		}
	})
	t.Run("direct", func(t *testing.T) {
		st, err := reader.Stream(t.Context(), events.Stream)
		require.NoError(t, err)
		msg, err := st.GetLastMsgForSubject(t.Context(), "conference.member.joined")
		require.NoError(t, err)
		assert.Equal(t, "three", string(msg.Data))
		msg, err = st.GetMsg(t.Context(), msg.Sequence-1)
		require.NoError(t, err)
		assert.Equal(t, "two", string(msg.Data))
	})
	t.Run("older client", func(t *testing.T) {
		js, err := reader.Conn().JetStream(nats.MaxWait(patience))
		require.NoError(t, err)
		sub, err := js.PullSubscribe(events.AllMembers, "older", nats.BindStream(events.Stream))
		require.NoError(t, err)
		got, err := sub.Fetch(3, nats.MaxWait(patience))
		require.NoError(t, err)
		for _, m := range got {
			require.NoError(t, m.AckSync())
		}
	})
	t.Run("names and account", func(t *testing.T) {
		_, err := reader.AccountInfo(t.Context())
		require.NoError(t, err)
		names := reader.StreamNames(t.Context())
		var all []string
		for n := range names.Name() {
			all = append(all, n)
		}
		require.NoError(t, names.Err())
		assert.Contains(t, all, events.Stream)
		for range reader.ListStreams(t.Context()).Info() {
			all = append(all, "listed")
		}
		assert.Contains(t, all, "listed")
	})
}

// The helper for Go programs works for a reader, many events and both kinds of acknowledgement
// included.
func TestTheConsumersHelperAsAReader(t *testing.T) {
	w := newWorld(t)
	const many = 300
	at := time.Date(2026, 5, 16, 5, 13, 28, 0, time.UTC)
	for i := range uint64(many) {
		payload, err := events.Encode(events.Event{
			ID: fmt.Sprintf("e-%d", i), Source: "/dingtalk/corp/conferences/m", Type: events.Joined, Subject: "u", Time: at, RecordedTime: at, Sequence: i + 1,
			Member: &events.Member{ConferenceID: "m", UnionID: "u", AttendStatus: 3, Reason: events.ReasonJoined, Via: events.ViaPoll, JoinTime: at.UnixMilli()},
		})
		require.NoError(t, err)
		w.store(string(payload))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var mu sync.Mutex
	seen := map[string]int{}
	err := consumer.Run(ctx, w.connect(w.server.ClientURL()), consumer.Options{Name: "greeter"}, func(_ context.Context, e consumer.Delivery) error {
		mu.Lock()
		defer mu.Unlock()
		if seen[e.ID]++; len(seen) == many {
			cancel()
		}
		return nil
	})
	require.NoError(t, err)
	assert.Len(t, seen, many)
}

// With nobody who serves them readers make no consumer, and those that there are go on.
func TestWithoutServe(t *testing.T) {
	w := newWorld(t)
	reader := w.connect(w.server.ClientURL())
	config := jetstream.ConsumerConfig{Durable: "audit", AckPolicy: jetstream.AckExplicitPolicy}
	c, err := reader.CreateConsumer(t.Context(), events.Stream, config)
	require.NoError(t, err)
	w.stop()
	config.Durable = "other"
	_, err = reader.CreateConsumer(t.Context(), events.Stream, config)
	require.ErrorIs(t, err, nats.ErrNoResponders)
	w.store("one")
	for {
		msg, err := c.Next(jetstream.FetchMaxWait(patience))
		require.NoError(t, err)
		require.NoError(t, msg.DoubleAck(t.Context()))
		if string(msg.Data()) == "one" {
			return
		}
	}
}
