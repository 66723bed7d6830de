package consumer_test

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/c4342123/rollcall/internal/faultproxy"
	"github.com/c4342123/rollcall/internal/streamtest"
)

const patience = 30 * time.Second

// diary is what handlers wrote down: who joined, in the order of the calls.
type diary struct {
	mu   sync.Mutex
	list []string
}

func (d *diary) write(text string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.list = append(d.list, text)
}

func (d *diary) all() []string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.list)
}

// becomes waits until exactly that was written.
func (d *diary) becomes(t *testing.T, want ...string) {
	t.Helper()
	require.Eventually(t, func() bool { return len(d.all()) >= len(want) }, patience, time.Millisecond, "%v of %v", d.all(), want)
	require.Equal(t, want, d.all())
}

// keep is a handler that writes who joined.
func (d *diary) keep(_ context.Context, e consumer.Delivery) error {
	d.write(e.Member.UserNick)
	return nil
}

// start runs a consumer until the test ends or stop is called.
func start(t *testing.T, js jetstream.JetStream, opts consumer.Options, handle consumer.Handler) (stop func()) {
	t.Helper()
	if opts.Name == "" {
		opts.Name = "diary"
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- consumer.Run(ctx, js, opts, handle) }()
	stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			assert.NoError(t, err)
		case <-time.After(patience):
			assert.Fail(t, "it does not stop")
		}
	})
	t.Cleanup(stop)
	return stop
}

// settled waits until nothing is left to be delivered or acknowledged.
func settled(t *testing.T, js jetstream.JetStream, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := js.Consumer(t.Context(), events.Stream, name)
		return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
	}, patience, 5*time.Millisecond)
}

func TestGoesOnAfterRestarts(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	var d diary
	want := []string{r.Join("a")}
	for range 3 {
		stop := start(t, js, consumer.Options{}, d.keep)
		want = append(want, r.Join("a"), r.Join("b"))
		d.becomes(t, want...)
		stop()
		want = append(want, r.Join("a")) // while it is away
	}
	start(t, js, consumer.Options{}, d.keep)
	d.becomes(t, want...)
	settled(t, js, "diary")
}

func TestWhatIsDelivered(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	first := r.Join("a")
	r.Join("b")
	got := make(chan consumer.Delivery, 10)
	start(t, js, consumer.Options{}, func(_ context.Context, e consumer.Delivery) error {
		got <- e
		return nil
	})
	e := <-got
	assert.Equal(t, first, e.Member.UserNick)
	decoded, err := events.Decode(e.Payload)
	require.NoError(t, err)
	assert.Equal(t, decoded, e.Event)
	assert.EqualValues(t, 1, e.Position)
	assert.Equal(t, 1, e.Attempt)
	assert.Greater(t, (<-got).Position, e.Position)
}

func TestWhereAConsumerBegins(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	old := []string{r.Join("a"), r.Join("b")}
	cases := map[string]struct {
		opts consumer.Options
		want []int // of the four
	}{
		"everything": {consumer.Options{}, []int{0, 1, 2, 3}},
		"meeting":    {consumer.Options{Subjects: []string{events.OfMeeting("b")}}, []int{1, 3}},
		"new":        {consumer.Options{OnlyNew: true}, []int{2, 3}},
		"since":      {consumer.Options{Since: time.Now().Add(-time.Hour)}, []int{0, 1, 2, 3}},
		"nothing":    {consumer.Options{Subjects: []string{string(events.Kicked)}}, nil},
		"several":    {consumer.Options{Subjects: []string{string(events.Kicked), string(events.Joined)}, InFlight: 1}, []int{0, 1, 2, 3}},
	}
	diaries := map[string]*diary{}
	for name, c := range cases {
		c.opts.Name, diaries[name] = name, &diary{}
		start(t, js, c.opts, diaries[name].keep)
	}
	for name := range cases {
		require.Eventually(t, func() bool {
			_, err := js.Consumer(t.Context(), events.Stream, name)
			return err == nil
		}, patience, time.Millisecond)
	}
	all := append(old, r.Join("a"), r.Join("b"))
	for name, c := range cases {
		want := []string{}
		for _, i := range c.want {
			want = append(want, all[i])
		}
		settled(t, js, name)
		assert.Equal(t, want, append([]string{}, diaries[name].all()...), name)
	}
}

// An event that fails comes again and again, and those behind it wait for it.
func TestHandlerThatFails(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	first, second := r.Join("a"), r.Join("a")
	var d diary
	start(t, js, consumer.Options{RetryMin: time.Millisecond, RetryMax: 5 * time.Millisecond}, func(ctx context.Context, e consumer.Delivery) error {
		if e.Attempt < 4 {
			d.write(fmt.Sprint(e.Member.UserNick, " failed ", e.Attempt))
			return errors.New("no room")
		}
		return d.keep(ctx, e)
	})
	var want []string
	for _, name := range []string{first, second} {
		want = append(want, name+" failed 1", name+" failed 2", name+" failed 3", name)
	}
	d.becomes(t, want...)
	settled(t, js, "diary")
}

// What is no event, and what the handler does not want, is reported, and holds nothing up.
func TestRejections(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	first := r.Join("a")
	_, err := js.Publish(t.Context(), "rollcall.in.conference.member.joined", []byte("rubbish"))
	require.NoError(t, err)
	unwanted, last := r.Join("a"), r.Join("a")
	never := errors.New("nobody wants this")
	rejections := make(chan consumer.Rejection, 10)
	var d diary
	start(t, js, consumer.Options{Rejected: func(r consumer.Rejection) { rejections <- r }}, func(ctx context.Context, e consumer.Delivery) error {
		if e.Member.UserNick == unwanted {
			return fmt.Errorf("really: %w", consumer.Reject(never))
		}
		return d.keep(ctx, e)
	})
	d.becomes(t, first, last)
	settled(t, js, "diary")
	require.Len(t, rejections, 2)
	rubbish := <-rejections
	require.ErrorIs(t, rubbish.Err, events.ErrNotRollcall)
	assert.Equal(t, []string{"conference.member.joined", "rubbish"}, []string{rubbish.Subject, string(rubbish.Payload)})
	assert.NotZero(t, rubbish.Position)
	assert.Equal(t, never, (<-rejections).Err)
}

// A handler may take much longer than the server waits for an acknowledgement: the server is told that it is at work.
func TestSlowHandler(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	first, second := r.Join("a"), r.Join("a")
	signs := make(chan struct{}, 1000)
	sub, err := r.Conn.Subscribe("$JS.ACK.CONFERENCE.diary.>", func(msg *nats.Msg) {
		if string(msg.Data) == "+WPI" { // work in progress
			signs <- struct{}{}
		}
	})
	require.NoError(t, err)
	t.Cleanup(func() { _ = sub.Unsubscribe() })
	var d diary
	start(t, js, consumer.Options{AckWait: 200 * time.Millisecond}, func(ctx context.Context, e consumer.Delivery) error {
		for range 5 { // a third of the AckWait each
			select {
			case <-signs:
			case <-ctx.Done():
			}
		}
		return d.keep(ctx, e)
	})
	d.becomes(t, first, second)
	settled(t, js, "diary")
	assert.Equal(t, []string{first, second}, d.all(), "once each")
}

func TestInFlight(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	want := []string{}
	for range 12 {
		want = append(want, r.Join("a"))
	}
	var mu sync.Mutex
	now, most := 0, 0
	together := make(chan struct{})
	var d diary
	start(t, js, consumer.Options{InFlight: 3}, func(ctx context.Context, e consumer.Delivery) error {
		mu.Lock()
		if now++; now > most {
			if most = now; most == 3 {
				close(together)
			}
		}
		mu.Unlock()
		select {
		case <-together:
		case <-ctx.Done():
		}
		defer func() {
			mu.Lock()
			defer mu.Unlock()
			now--
		}()
		return d.keep(ctx, e)
	})
	require.Eventually(t, func() bool { return len(d.all()) == len(want) }, patience, time.Millisecond)
	settled(t, js, "diary")
	assert.ElementsMatch(t, want, d.all())
	assert.Equal(t, 3, most)
}

// Run waits for handlers when it is to stop, and what they give up comes at once the next time.
func TestStopAmidAnEvent(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	names := []string{r.Join("a"), r.Join("a"), r.Join("a")}
	begun := make(chan struct{}, 10)
	var d diary
	opts := consumer.Options{AckWait: 10 * time.Minute, InFlight: 2}
	stop := start(t, js, opts, func(ctx context.Context, e consumer.Delivery) error {
		begun <- struct{}{}
		<-ctx.Done()
		d.write("stopped")
		return ctx.Err()
	})
	<-begun
	<-begun
	stop()
	assert.Equal(t, []string{"stopped", "stopped"}, d.all())
	d.list = nil
	stop = start(t, js, opts, func(ctx context.Context, e consumer.Delivery) error {
		assert.NoError(t, d.keep(ctx, e))
		if len(d.all()) == len(names) {
			<-ctx.Done() // and those that finish have finished
		}
		return nil
	})
	require.Eventually(t, func() bool { return len(d.all()) >= len(names) }, patience, time.Millisecond)
	stop()
	assert.ElementsMatch(t, names, d.all())
	settled(t, js, "diary")
}

// behindProxy connects through something that can cut the connection.
func behindProxy(t *testing.T, s *streamtest.Server) (*faultproxy.Proxy, *nats.Conn, jetstream.JetStream) {
	t.Helper()
	proxy, err := faultproxy.Start(s.Address)
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, proxy.Close()) })
	nc := streamtest.Connect(t, proxy.Addr())
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return proxy, nc, js
}

// While the program runs, an acknowledgement that is lost makes no event processed twice.
func TestLostAcknowledgement(t *testing.T) {
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

// With a memory an event whose acknowledgement was lost is not processed again by the next program either.
func TestLostAcknowledgementAndARestart(t *testing.T) {
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
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	var d diary
	start(t, js, consumer.Options{}, d.keep)
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

func TestSettingsMayChange(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	var d diary
	stop := start(t, js, consumer.Options{Subjects: []string{events.OfMeeting("a")}}, d.keep)
	first := r.Join("a")
	d.becomes(t, first)
	settled(t, js, "diary")
	stop()
	start(t, js, consumer.Options{Subjects: []string{events.OfMeeting("b")}, AckWait: time.Minute, InFlight: 2, OnlyNew: true}, d.keep)
	second := r.Join("b")
	d.becomes(t, first, second)
	c, err := js.Consumer(t.Context(), events.Stream, "diary")
	require.NoError(t, err)
	config := c.CachedInfo().Config
	assert.Equal(t, []any{time.Minute, 2, -1}, []any{config.AckWait, config.MaxAckPending, config.MaxDeliver})
}

func TestRunThatCannot(t *testing.T) {
	s := streamtest.Start(t)
	js := s.JetStream()
	nothing := func(context.Context, consumer.Delivery) error { return nil }
	require.ErrorIs(t, consumer.Run(t.Context(), js, consumer.Options{Name: "x"}, nothing), consumer.ErrNoStream)
	s.Record()
	for name, o := range map[string]consumer.Options{
		"no name":       {},
		"a dot":         {Name: "a.b"},
		"a wildcard":    {Name: "a*"},
		"both starts":   {Name: "x", OnlyNew: true, Since: time.Now()},
		"no flight":     {Name: "x", InFlight: -1},
		"no wait":       {Name: "x", AckWait: -1},
		"no pause":      {Name: "x", RetryMin: -1},
		"bounds turned": {Name: "x", RetryMin: 2, RetryMax: 1},
	} {
		assert.ErrorContains(t, consumer.Run(t.Context(), js, o, nothing), "consumer: ", name)
	}
	_, err := js.CreateConsumer(t.Context(), events.Stream, jetstream.ConsumerConfig{Durable: "theirs", AckPolicy: jetstream.AckNonePolicy})
	require.NoError(t, err)
	require.ErrorIs(t, consumer.Run(t.Context(), js, consumer.Options{Name: "theirs"}, nothing), consumer.ErrOtherConsumer)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, consumer.Run(stopped, js, consumer.Options{Name: "x"}, nothing))
}

func TestConsumerThatIsDeleted(t *testing.T) {
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	r.Join("a")
	var d diary
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() { ended <- consumer.Run(ctx, js, consumer.Options{Name: "diary"}, d.keep) }()
	d.becomes(t, "p1")
	require.NoError(t, js.DeleteConsumer(t.Context(), events.Stream, "diary"))
	assert.ErrorIs(t, <-ended, consumer.ErrDeleted)
}

func TestConnectionThatIsClosed(t *testing.T) {
	s := streamtest.Start(t)
	r := s.Record()
	r.Join("a")
	js := s.JetStream()
	var d diary
	ended := make(chan error, 1)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	go func() { ended <- consumer.Run(ctx, js, consumer.Options{Name: "diary"}, d.keep) }()
	d.becomes(t, "p1")
	js.Conn().Close()
	assert.ErrorIs(t, <-ended, jetstream.ErrConnectionClosed)
}
