package sdktest

import (
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	watermillnats "github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	natscloudevents "github.com/cloudevents/sdk-go/protocol/nats_jetstream/v2"
	cloudevents "github.com/cloudevents/sdk-go/v2"
	"github.com/cloudevents/sdk-go/v2/client"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// These tests hold the table "Which client needs what" of docs/reading.md: each reads what a
// running service has stored with somebody else's client, in the way the table says, and shows what
// happens otherwise.

// comings is how many people joined the meeting that the readers read of.
const comings = 40

// stored runs the service on a meeting until it has told of everybody, and returns a connection to
// its NATS server.
func stored(t *testing.T, login ...nats.Option) *nats.Conn {
	t.Helper()
	meeting := history.Plan{ID: "m", Title: "Weekly"}
	for i := range comings {
		name := string(rune('a'+i/26)) + string(rune('a'+i%26))
		meeting.People = append(meeting.People, history.Person{Nick: name, UnionID: name, Visits: []history.Visit{{}}})
	}
	js := run(t, serve(t, &simulator.Scenario{Meetings: []history.Plan{meeting}}), login...)
	require.Eventually(t, func() bool {
		stream, err := js.Stream(t.Context(), events.Stream)
		if err != nil {
			return false
		}
		info, err := stream.Info(t.Context(), jetstream.WithSubjectFilter("conference.member.joined"))
		return err == nil && info.State.Subjects["conference.member.joined"] == comings
	}, patience, 50*time.Millisecond)
	return js.Conn()
}

// inOrder holds payloads to be the meeting's joins from the first to the last.
func inOrder(t *testing.T, payloads <-chan []byte) {
	t.Helper()
	for i := range comings {
		select {
		case payload := <-payloads:
			assert.Equal(t, uint64(i+1), validate(t, payload).Sequence)
		case <-time.After(patience):
			require.Fail(t, "an event is missing", "number %d", i+1)
		}
	}
}

// nats.go's older API looks for the stream by the subject, and the stream takes rollcall.in.> and
// no other.
func TestOlderAPIOfNATS(t *testing.T) {
	nc := stored(t, asOperator())
	js, err := nc.JetStream()
	require.NoError(t, err)
	_, err = js.SubscribeSync("conference.member.*")
	require.ErrorIs(t, err, nats.ErrNoMatchingStream)

	payloads := make(chan []byte, comings)
	sub, err := js.Subscribe("conference.member.*", func(msg *nats.Msg) { payloads <- msg.Data }, nats.BindStream(events.Stream))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, sub.Unsubscribe()) })
	inOrder(t, payloads)
}

// The CloudEvents SDK has several goroutines take events and one more for each, unless it is told
// otherwise, and acknowledges an event before it hands it on, so that one whose handler fails does
// not come again.
func TestCloudEventsSDKReads(t *testing.T) {
	nc := stored(t, asOperator())
	_, err := natscloudevents.NewConsumerFromConn(nc, events.Stream, "conference.member.*", nil, nil)
	require.NoError(t, err, "it knows the stream")

	consumer, err := natscloudevents.NewConsumerFromConn(nc, events.Stream, "conference.member.*", nil, []nats.SubOpt{
		nats.BindStream(events.Stream), nats.Durable("sdk"), nats.DeliverAll(), nats.AckExplicit(),
	})
	require.NoError(t, err)
	c, err := cloudevents.NewClient(consumer, client.WithPollGoroutines(1), client.WithBlockingCallback())
	require.NoError(t, err)
	payloads := make(chan []byte, comings)
	background(t, func(ctx context.Context) error {
		return c.StartReceiver(ctx, func(e cloudevents.Event) error {
			payload, err := e.MarshalJSON()
			payloads <- payload
			if err != nil {
				return err
			}
			return cloudevents.ResultNACK // we could not do anything with it
		})
	})
	inOrder(t, payloads)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	durable, err := js.PushConsumer(t.Context(), events.Stream, "sdk")
	require.NoError(t, err)
	assert.EventuallyWithT(t, func(t *assert.CollectT) {
		info, err := durable.Info(context.Background())
		require.NoError(t, err)
		assert.Zero(t, info.NumAckPending, "all are acknowledged, though every handler failed")
		assert.Zero(t, info.NumRedelivered)
	}, patience, 50*time.Millisecond)
}

// Watermill's own marshaler takes a payload as it is; the one for JSON takes it for a message of
// Watermill.
func TestWatermillReads(t *testing.T) {
	nc := stored(t, asOperator())
	read := func(durable string, unmarshaler watermillnats.Unmarshaler, options ...nats.SubOpt) (<-chan []byte, error) {
		own, err := nats.Connect(nc.ConnectedUrl(), asOperator()) // a subscriber closes its connection
		require.NoError(t, err)
		t.Cleanup(own.Close)
		subscriber, err := watermillnats.NewSubscriberWithNatsConn(own, watermillnats.SubscriberSubscriptionConfig{
			Unmarshaler: unmarshaler,
			JetStream:   watermillnats.JetStreamConfig{DurablePrefix: durable, SubscribeOptions: options},
		}, watermill.NopLogger{})
		require.NoError(t, err)
		messages, err := subscriber.Subscribe(t.Context(), "conference.member.*")
		if err != nil {
			return nil, err // one that could not subscribe cannot be closed: Close waits for what never began
		}
		t.Cleanup(func() { assert.NoError(t, subscriber.Close()) })
		payloads := make(chan []byte, comings)
		background(t, func(ctx context.Context) error {
			for range comings {
				select {
				case msg := <-messages:
					payloads <- msg.Payload
					msg.Ack()
				case <-ctx.Done():
					return nil
				}
			}
			return nil
		})
		return payloads, nil
	}
	_, err := read("unbound", &watermillnats.NATSMarshaler{})
	require.ErrorContains(t, err, nats.ErrNoMatchingStream.Error())

	payloads, err := read("watermill", &watermillnats.NATSMarshaler{}, nats.BindStream(events.Stream))
	require.NoError(t, err)
	inOrder(t, payloads)

	payloads, err = read("json", watermillnats.JSONMarshaler{}, nats.BindStream(events.Stream))
	require.NoError(t, err)
	assert.Empty(t, <-payloads, "nothing is left of the event, and no error says so")
}

// The nats command finds the stream by its name, not by the subjects that it stores.
func TestNATSCommandReads(t *testing.T) {
	command, err := exec.LookPath("nats")
	if err != nil {
		t.Skip("the nats command is not installed")
	}
	nc := stored(t)
	do := func(args ...string) (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		out, err := exec.CommandContext(ctx, command, append([]string{"--no-context", "--server", nc.ConnectedUrl()}, args...)...).CombinedOutput()
		return string(out), err
	}
	out, err := do("consumer", "add", events.Stream, "audit", "--filter", "conference.member.*", "--pull",
		"--deliver", "all", "--ack", "explicit", "--defaults")
	require.NoError(t, err, out)
	out, err = do("consumer", "next", events.Stream, "audit", "--count", "3", "--raw")
	require.NoError(t, err, out)
	assert.Equal(t, 3, strings.Count(out, `"type":"conference.member.joined"`), out)

	out, err = do("sub", "conference.member.*", "--all", "--count", "1")
	require.Error(t, err, out)
	assert.Contains(t, out, "no stream")
	out, err = do("sub", "conference.member.*", "--stream", events.Stream, "--all", "--count", "1", "--raw")
	require.NoError(t, err, out)
	assert.Contains(t, out, `"sequence":"0000000001"`)
}

// A copy of the stream is made by sourcing it. A stream on the subjects of the live events stores
// none of them, though subscribers get them: they are parts of a batch, of which it sees a part.
func TestACopySources(t *testing.T) {
	later := history.Duration(5 * time.Second) // until when the streams below are made
	js := run(t, serve(t, &simulator.Scenario{Meetings: []history.Plan{{
		ID: "m", People: []history.Person{
			{Nick: "Ann", UnionID: "ann", Visits: []history.Visit{{}}},
			{Nick: "Bob", UnionID: "bob", Visits: []history.Visit{{To: &later}}},
		},
	}}}), asOperator())
	const subjects = "conference.member.>"
	sub, err := js.Conn().SubscribeSync("conference.member.left")
	require.NoError(t, err)
	copied, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "COPY", AllowMsgTTL: true, Sources: []*jetstream.StreamSource{{Name: events.Stream, FilterSubject: subjects}},
	})
	require.NoError(t, err)
	live, err := js.CreateStream(t.Context(), jetstream.StreamConfig{
		Name: "LIVE", AllowMsgTTL: true, AllowAtomicPublish: true, Subjects: []string{subjects},
	})
	require.NoError(t, err)

	_, err = sub.NextMsg(patience)
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		info, err := copied.Info(t.Context())
		return err == nil && info.State.Msgs == 3
	}, patience, 50*time.Millisecond)
	info, err := live.Info(t.Context())
	require.NoError(t, err)
	assert.Zero(t, info.State.Msgs)
}
