package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/events/consumer"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// An event that fails comes again and again, and those behind it wait for it.
func TestHandlerThatFails(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

// A handler may take much longer than the server waits for an acknowledgement: the server is told
// that it is at work.
func TestSlowHandler(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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
	t.Parallel()
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
