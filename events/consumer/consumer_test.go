package consumer_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
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

// settled waits until nothing is left to be delivered or acknowledged. It does not know of what was
// stored a moment ago: the server tells its consumers later.
func settled(t *testing.T, js jetstream.JetStream, name string) {
	t.Helper()
	require.Eventually(t, func() bool {
		c, err := js.Consumer(t.Context(), events.Stream, name)
		return err == nil && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
	}, patience, 5*time.Millisecond)
}

func TestGoesOnAfterRestarts(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
		var want []string
		for _, i := range c.want {
			want = append(want, all[i])
		}
		diaries[name].becomes(t, want...)
		settled(t, js, name)
		assert.Equal(t, want, diaries[name].all(), name)
	}
}

func TestSettingsMayChange(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
