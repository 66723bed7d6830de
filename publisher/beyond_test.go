package publisher

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// TestAStreamThatIsMadeAgainBeginsBeyondTheOther: an ordered consumer of the client library goes on
// where it was in the stream that was deleted, and is told all of the new one nevertheless, however
// few events that has.
func TestAStreamThatIsMadeAgainBeginsBeyondTheOther(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	r := newRoom("room").join("ann").join("bob").join("cleo")
	update(t, p, r)
	consumer, err := p.js.OrderedConsumer(t.Context(), events.Stream, jetstream.OrderedConsumerConfig{
		FilterSubjects: []string{events.AllMembers},
	})
	require.NoError(t, err)
	read := make(chan string, 10)
	reading, err := consumer.Consume(func(m jetstream.Msg) {
		e, err := events.Decode(m.Data())
		assert.NoError(t, err)
		read <- e.Subject
	}, jetstream.PullExpiry(2*time.Second), jetstream.PullHeartbeat(500*time.Millisecond))
	require.NoError(t, err)
	defer reading.Stop()
	for range 3 {
		<-read
	}
	old, err := p.Position(t.Context())
	require.NoError(t, err)

	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	require.Eventually(t, func() bool {
		_, err := p.Load(t.Context(), r.id)
		return err == nil
	}, maxResends, 20*time.Millisecond)
	begun, err := p.Position(t.Context())
	require.NoError(t, err)
	assert.Greater(t, begun.Sequence, old.Sequence)
	update(t, p, newRoom("other").join("dan"))
	select {
	case who := <-read:
		assert.Equal(t, "dan", who)
	case <-time.After(maxResends):
		assert.Fail(t, "the first event of the new stream is not delivered")
	}
}
