package consumer_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// behindProxy connects through something that can cut the connection.
func behindProxy(t *testing.T, s *streamtest.Server) (*faultproxy.Proxy, *nats.Conn, jetstream.JetStream) {
	t.Helper()
	proxy := faultproxy.Start(t, s.Address)
	nc := streamtest.Connect(t, proxy.Addr())
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return proxy, nc, js
}

// While the program runs, an acknowledgement that is lost makes no event processed twice.
func TestLostAcknowledgement(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	want := []string{r.Join("a"), r.Join("a"), r.Join("a")}
	proxy, nc, js := behindProxy(t, s)
	var d diary
	start(t, js, consumer.Options{AckWait: 300 * time.Millisecond}, func(ctx context.Context, e consumer.Delivery) error {
		if e.Member.UserNick == want[1] && e.Attempt == 1 {
			proxy.Refuse(true)
			proxy.Cut()
			require.Eventually(t, func() bool { return !nc.IsConnected() }, patience, time.Millisecond)
			time.AfterFunc(700*time.Millisecond, func() { proxy.Refuse(false) }) // the acknowledgement is gone by then
		}
		return d.keep(ctx, e)
	})
	require.Eventually(t, func() bool { return len(d.all()) >= len(want) }, patience, time.Millisecond)
	settled(t, s.JetStream(), "diary")
	assert.Equal(t, want, d.all())
}

// With a memory an event whose acknowledgement was lost is not processed again by the next program
// either.
func TestLostAcknowledgementAndARestart(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	direct := s.JetStream()
	bucket, err := direct.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: "diary", TTL: time.Hour})
	require.NoError(t, err)
	want := []string{r.Join("a"), r.Join("a")}
	proxy, nc, js := behindProxy(t, s)
	memory := &cutting{Memory: consumer.NewKV(bucket), after: func() {
		proxy.Refuse(true)
		proxy.Cut()
		require.Eventually(t, func() bool { return !nc.IsConnected() }, patience, time.Millisecond)
	}}
	var d diary
	stop := start(t, js, consumer.Options{AckWait: 300 * time.Millisecond, Memory: memory}, d.keep)
	d.becomes(t, want[0])
	require.Eventually(t, func() bool { return !nc.IsConnected() }, patience, time.Millisecond)
	nc.Close() // it ends without another word
	stop()
	stop = start(t, direct, consumer.Options{AckWait: 300 * time.Millisecond, Memory: consumer.NewKV(bucket)}, d.keep)
	d.becomes(t, want...)
	settled(t, direct, "diary")
	assert.Equal(t, want, d.all())
	stop()

	// Nor when the consumer is made anew, and everything comes once more.
	require.NoError(t, direct.DeleteConsumer(t.Context(), events.Stream, "diary"))
	start(t, direct, consumer.Options{Name: "diary2", Memory: consumer.NewKV(bucket)}, d.keep)
	d.becomes(t, append(want, r.Join("a"))...)
	settled(t, direct, "diary2")
}

// cutting is a memory after which the connection is gone.
type cutting struct {
	consumer.Memory
	after func()
}

func (c *cutting) Remember(ctx context.Context, id string) error {
	err := c.Memory.Remember(ctx, id)
	c.after()
	return err
}

// forgetful is a memory that fails for a while.
type forgetful struct {
	mu              sync.Mutex
	seeing, storing int // how often it is yet to fail
	ids             []string
}

func (f *forgetful) Seen(_ context.Context, id string) (bool, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seeing--; f.seeing >= 0 {
		return false, errors.New("cannot see")
	}
	return slices.Contains(f.ids, id), nil
}

func (f *forgetful) Remember(_ context.Context, id string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.storing--; f.storing >= 0 {
		return errors.New("cannot store")
	}
	f.ids = append(f.ids, id)
	return nil
}

func TestMemoryThatFails(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	want := []string{r.Join("a"), r.Join("a")}
	memory := &forgetful{seeing: 3, storing: 3}
	var d diary
	start(t, js, consumer.Options{Memory: memory, RetryMin: time.Millisecond, RetryMax: time.Millisecond}, d.keep)
	d.becomes(t, want...)
	settled(t, js, "diary")
	assert.Equal(t, want, d.all(), "what was processed is not processed again because it cannot be remembered")
	assert.Len(t, memory.ids, 2)
}

func TestOverRestartsOfTheServer(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	var d diary
	start(t, js, consumer.Options{AckWait: 2 * time.Second}, d.keep) // what is acknowledged as the server stops comes again
	var want []string
	for range 2 {
		want = append(want, r.Join("a"))
		d.becomes(t, want...)
		n := r.Joined
		r.Stop()
		s.Stop()
		s.Start()
		r = s.Record()
		r.Joined = n
		want = append(want, r.Join("a"))
		d.becomes(t, want...)
	}
}

func TestStopsWhileTheServerIsAway(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r := s.Record()
	r.Join("a")
	proxy, nc, js := behindProxy(t, s)
	var d diary
	stop := start(t, js, consumer.Options{}, d.keep)
	d.becomes(t, "p1")
	settled(t, s.JetStream(), "diary")
	proxy.Refuse(true)
	proxy.Cut()
	require.Eventually(t, func() bool { return !nc.IsConnected() }, patience, time.Millisecond)
	stop()
}
