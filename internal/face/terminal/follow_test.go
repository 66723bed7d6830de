package terminal_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/face/terminal"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

const patience = time.Minute

// seen collects who joined, as a follower hands it on.
type seen struct {
	t    *testing.T
	stop context.CancelFunc

	mu    sync.Mutex
	names []string
}

// follow runs f until the test ends or stop is called.
func follow(t *testing.T, f *terminal.Follower) *seen {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &seen{t: t}
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx, s.take) }()
	s.stop = sync.OnceFunc(func() {
		cancel()
		select {
		case err := <-ended:
			assert.NoError(t, err)
		case <-time.After(patience):
			assert.Fail(t, "the follower does not stop")
		}
	})
	t.Cleanup(s.stop)
	return s
}

func (s *seen) take(payload []byte) error {
	e, err := events.Decode(payload)
	if err != nil {
		return err
	}
	if e.Member != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.names = append(s.names, e.Member.UserNick)
	}
	return nil
}

func (s *seen) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.names...)
}

// becomes waits until exactly these were seen, in this order.
func (s *seen) becomes(names ...string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool { return len(s.all()) >= len(names) }, patience, time.Millisecond, "%v of %v", s.all(), names)
	require.Equal(s.t, names, s.all())
}

func TestFollowBeginsWhereItWasOpened(t *testing.T) {
	b := streamtest.Start(t)
	r := b.Record()
	r.Join("a")
	f, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{})
	require.NoError(t, err)
	between := r.Join("a")
	s := follow(t, f)
	s.becomes(between)
	other, more := r.Join("b"), r.Join("a")
	s.becomes(between, other, more)
}

func TestFollowOneMeeting(t *testing.T) {
	b := streamtest.Start(t)
	r := b.Record()
	r.Join("a")
	f, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{Meeting: "a"})
	require.NoError(t, err)
	s := follow(t, f)
	r.Join("b")
	first := r.Join("a")
	r.Join("aa")
	second := r.Join("a")
	s.becomes(first, second)
}

// An ordered consumer of the client library that was promised new messages begins anew with those
// that are new after an interruption, as long as it has seen none: what was stored meanwhile is
// lost.
func TestFollowLosesNothingWhenInterruptedBeforeTheFirstEvent(t *testing.T) {
	b := streamtest.Start(t)
	r := b.Record()
	r.Join("a")
	proxy := faultproxy.Start(t, b.Address)
	reports := &reports{}
	nc := streamtest.Connect(t, proxy.Addr())
	f, err := terminal.Open(t.Context(), nc, terminal.Options{Reporter: reports})
	require.NoError(t, err)
	s := follow(t, f)
	reports.becomes(t, "ok")
	proxy.Refuse(true)
	proxy.Cut()
	require.Eventually(t, func() bool { return !nc.IsConnected() }, patience, time.Millisecond)
	during := r.Join("a")
	proxy.Refuse(false)
	s.becomes(during)
	after := r.Join("a")
	s.becomes(during, after)
}

func TestFollowOverRestartsOfTheServer(t *testing.T) {
	b := streamtest.Start(t)
	r := b.Record()
	f, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{})
	require.NoError(t, err)
	s := follow(t, f)
	var want []string
	for range 2 {
		want = append(want, r.Join("a"), r.Join("b"))
		s.becomes(want...)
		r.Stop()
		b.Stop()
		b.Start()
		n := r.Joined
		r = b.Record()
		r.Joined = n
		want = append(want, r.Join("a")) // before the follower is back
		s.becomes(want...)
	}
}

func TestFollowStopsAtOnceWhileTheServerIsAway(t *testing.T) {
	b := streamtest.Start(t)
	b.Record()
	proxy := faultproxy.Start(t, b.Address)
	reports := &reports{}
	nc := streamtest.Connect(t, proxy.Addr())
	f, err := terminal.Open(t.Context(), nc, terminal.Options{Reporter: reports})
	require.NoError(t, err)
	s := follow(t, f)
	reports.becomes(t, "ok")
	proxy.Refuse(true)
	proxy.Cut()
	require.Eventually(t, func() bool { return !nc.IsConnected() }, patience, time.Millisecond)
	s.stop()
}

func TestFollowAnotherStreamOfTheSameName(t *testing.T) {
	b := streamtest.Start(t)
	r := b.Record()
	for range 5 {
		r.Join("a")
	}
	f, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{})
	require.NoError(t, err)
	s := follow(t, f)
	s.becomes(r.Join("a"))
	r.Stop()
	b.Stop()
	require.NoError(t, os.RemoveAll(b.Dir))
	b.Start()
	r = b.Record()
	r.Joined = 100
	first, second := r.Join("a"), r.Join("a")
	require.Eventually(t, func() bool { return len(s.all()) >= 3 }, patience, time.Millisecond)
	assert.Equal(t, []string{first, second}, s.all()[1:])
}

// TestWhatIsAnnouncedAnewIsNotShownAgain: the stream is deleted, or goes back to a backup, and what
// happens next comes after what was in the meeting already.
func TestWhatIsAnnouncedAnewIsNotShownAgain(t *testing.T) {
	for _, restored := range []bool{false, true} {
		for _, meeting := range []string{"", "a"} {
			t.Run(fmt.Sprint("restored ", restored, " one meeting ", meeting != ""), func(t *testing.T) {
				b := streamtest.Start(t)
				r := b.Record()
				f, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{Meeting: meeting})
				require.NoError(t, err)
				s := follow(t, f)
				rows := []diff.Row{person("ann", 1), person("bob", 2)}
				r.Look("a", streamtest.Begin+1000, rows[0])
				backup := natstest.TakeBackup(t, r.Conn)
				r.Look("a", streamtest.Begin+2000, rows...)
				s.becomes("ann", "bob")
				r.Stop()
				js := b.JetStream()
				require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
				if restored {
					backup.Restore(t, js.Conn())
				}
				r = b.Record()
				r.Look("a", streamtest.Begin+3000, append(rows, person("cleo", 3))...)
				s.becomes("ann", "bob", "cleo")
				r.Look("a", streamtest.Begin+4000, append(rows, person("cleo", 3), person("dan", 4))...)
				s.becomes("ann", "bob", "cleo", "dan")
			})
		}
	}
}

func person(name string, at int64) diff.Row {
	return diff.Row{UnionID: name, UserNick: name, Status: diff.StatusActive, JoinTime: streamtest.Begin + at}
}

func TestFollowReturnsTheErrorOfTheHandler(t *testing.T) {
	b := streamtest.Start(t)
	r := b.Record()
	f, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{})
	require.NoError(t, err)
	r.Join("a")
	full := errors.New("disk full")
	calls := 0
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	assert.Equal(t, full, f.Run(ctx, func([]byte) error { calls++; return full }))
	assert.Equal(t, 1, calls)
}

func TestOpenWithoutAStream(t *testing.T) {
	b := streamtest.Start(t)
	_, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{})
	assert.ErrorIs(t, err, terminal.ErrNoStream)
}

func TestOpenWhileTheServerIsAway(t *testing.T) {
	b := streamtest.Start(t)
	nc := b.Connect()
	nc.Close()
	_, err := terminal.Open(t.Context(), nc, terminal.Options{})
	require.Error(t, err)
	assert.NotErrorIs(t, err, terminal.ErrNoStream)
}

// A follower leaves nothing behind on the server that the server would not clear away.
func TestFollowLeavesNothingForEver(t *testing.T) {
	b := streamtest.Start(t)
	r := b.Record()
	f, err := terminal.Open(t.Context(), b.Connect(), terminal.Options{})
	require.NoError(t, err)
	s := follow(t, f)
	s.becomes(r.Join("a"))
	js, err := jetstream.New(r.Conn)
	require.NoError(t, err)
	stream, err := js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	for info := range stream.ListConsumers(t.Context()).Info() {
		assert.Empty(t, info.Config.Durable)
		assert.LessOrEqual(t, info.Config.InactiveThreshold, time.Minute)
	}
}

// reports keeps what a follower last said of itself.
type reports struct {
	mu   sync.Mutex
	last string
}

func (r *reports) Failed(string, error) { r.set("failed") }
func (r *reports) OK(string)            { r.set("ok") }

func (r *reports) set(what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.last = what
}

func (r *reports) becomes(t *testing.T, what string) {
	t.Helper()
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.last == what
	}, patience, time.Millisecond)
}
