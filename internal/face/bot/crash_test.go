package bot

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
)

// A message counts that was sent by a process that was killed before it could say so.
func TestWhatAKilledProcessHasSentCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(strings.Replace(office, "5ms", "0s", 1))
	p := w.launch("first", rules, -1, false)
	w.ready("office")
	p.stop()
	for life := range 12 {
		// The process claims the robot and tells three messages: each is kept, announced, sent and
		// settled. It is killed by the time the fourth is sent.
		p := w.launch(fmt.Sprint(life), rules, 1+3*4+2, true)
		for range 6 {
			if p.died() {
				break
			}
			w.join("m", name(len(w.joined)))
			require.Eventually(t, func() bool { return p.died() || w.allTold(0) }, patience, time.Millisecond)
		}
		p.stop()
	}
	w.launch("last", rules, -1, false)
	w.told(0)
	state := w.sim.Robots()[0]
	assert.LessOrEqual(t, state.MaxPerMinute, robot.Limit)
	assert.Zero(t, state.Throttled)
}

// What waits to become a message is not behind the position that is kept meanwhile.
func TestProcessThatStopsWhileABatchWaits(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	rules := w.rules(strings.Replace(office, "5ms", "10m", 1))
	p := w.launch("a", rules, -1, false)
	w.ready("office")
	kv, err := w.js.KeyValue(t.Context(), Bucket)
	require.NoError(t, err)
	w.join("m", "Ann")
	require.Eventually(t, func() bool { return strings.Contains(w.log.String(), "verdict=told") }, patience, time.Millisecond)
	before, err := kv.Get(t.Context(), "office")
	require.NoError(t, err)
	w.clock.sleep(t.Context(), beat)
	require.Eventually(t, func() bool {
		now, err := kv.Get(t.Context(), "office")
		return err == nil && now.Revision() > before.Revision()
	}, patience, time.Millisecond)
	assert.Empty(t, w.said(0))
	p.stop()
	w.launch("b", rules, -1, false)
	require.Eventually(t, func() bool { return strings.Count(w.log.String(), "verdict=told") >= 2 }, patience, time.Millisecond)
	w.clock.sleep(t.Context(), 10*time.Minute)
	w.told(0)
}

// What the server delivers again because it waits is not told again.
func TestRedelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.join("m", "Ann")
	w.join("m", "Bob")
	stream, err := w.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	r, err := read(t.Context(), stream, "office", diff.Position{}, 50*time.Millisecond-ackWait)
	require.NoError(t, err)
	found, err := r.next(t.Context(), 10, patience)
	require.NoError(t, err)
	require.Len(t, found, 2)
	require.Eventually(t, func() bool {
		found, err := r.next(t.Context(), 10, time.Second)
		assert.NoError(t, err)
		assert.Empty(t, found)
		return r.received >= 6
	}, patience, time.Millisecond)
	r.done(r.seen)
	require.Eventually(t, func() bool {
		info, err := r.consumer.Info(t.Context())
		return err == nil && info.NumAckPending == 0
	}, patience, time.Millisecond)
}

// What was lost on its way is noticed with the next delivery, and read again from the position that
// is kept.
func TestLostDelivery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.launch("a", w.rules(office), -1, false)
	w.ready("office")
	stream, err := w.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	// Somebody else takes messages from the consumer until one of them was meant for the bot.
	require.Eventually(t, func() bool {
		thief, err := stream.Consumer(t.Context(), consumerPrefix+"office")
		if err != nil {
			return false // it is being replaced
		}
		w.join("m", name(len(w.joined)))
		batch, err := thief.FetchNoWait(1)
		if err != nil {
			return false
		}
		stolen := 0
		for range batch.Messages() {
			stolen++
		}
		return stolen > 0
	}, patience, 10*time.Millisecond)
	w.join("m", "Ann")
	w.told(0)
}

// haltingBucket is that of a process that stands still while it writes.
type haltingBucket struct {
	bucket
	clock *skipping
}

func (b *haltingBucket) Update(context.Context, string, []byte, uint64) (uint64, error) {
	b.clock.sleep(context.Background(), storeTimeout+time.Second)
	return 2, nil
}

func (b *haltingBucket) Create(context.Context, string, []byte, ...jetstream.KVCreateOpt) (uint64, error) {
	return 0, errLost
}

type noSender struct{ t *testing.T }

func (s noSender) Send(context.Context, robot.Message) error {
	assert.Fail(s.t, "it was sent later than announced")
	return nil
}

func TestProcessThatStandsStillSendsNothing(t *testing.T) {
	clock := &skipping{}
	w := &worker{
		sender: noSender{t}, timing: timing{clock.now, clock.sleep}, reader: &reader{},
		entry: entry{bucket: &haltingBucket{clock: clock}, key: "office", revision: 1},
		st:    state{Outbox: []outgoing{{robot.Message{UUID: "u"}, 1}}},
	}
	require.NoError(t, w.deliver(t.Context()))
	assert.Len(t, w.st.Outbox, 1)
	assert.Len(t, w.st.Slots, 1, "what was announced counts")
}
