package publisher

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// The caller's time is over while the server's answer is waited for: only Load can tell, and does.
func TestContextThatEndsInTheMiddle(t *testing.T) {
	t.Parallel()
	p, _, proxy := behindProxy(t, Options{AckTimeout: maxResends})
	r := newRoom("room").join("ann")
	base := load(t, p, r.id)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	returned := make(chan struct{})
	proxy.ToClient(onceOnAck(func([]byte) []byte {
		cancel(enough)
		<-returned // not before is the outcome found out
		proxy.Cut()
		return nil
	}))
	_, err := p.Commit(ctx, base, diff.Compare(base.State, r.snapshot()))
	close(returned)
	require.ErrorIs(t, err, ErrUnknownOutcome)
	require.ErrorIs(t, err, enough)
	assert.Equal(t, uint64(4), load(t, p, r.id).Revision, "Load waits for what is under way")

	ended, cancel2 := context.WithCancelCause(t.Context())
	cancel2(enough)
	_, err = p.Commit(ended, load(t, p, r.id), diff.Compare(load(t, p, r.id).State, r.join("bob").snapshot()))
	require.ErrorIs(t, err, enough)
	_, _, err = p.Update(ended, base, r.compare())
	require.ErrorIs(t, err, enough)
}

func TestLoadWaitsForACommitUnderWay(t *testing.T) {
	t.Parallel()
	p := newPublisher(t, Options{})
	j := jobOf(t, p, load(t, p, "room"), newRoom("room").join("ann"))
	require.True(t, p.claim(j))
	enough := errors.New("enough")
	ctx, cancel := context.WithTimeoutCause(t.Context(), 50*time.Millisecond, enough)
	defer cancel()
	_, err := p.Load(ctx, "room")
	require.ErrorIs(t, err, enough)
	load(t, p, "another-room")

	p.commitGroup(t.Context(), []*job{j})
	require.NoError(t, j.err)
	assert.Equal(t, j.revision, load(t, p, "room").Revision)
}

func TestServerThatIsAwayIsUnavailable(t *testing.T) {
	t.Parallel()
	p, direct, proxy := behindProxy(t, Options{})
	r := newRoom("room").join("ann")
	base := load(t, p, r.id)
	res := diff.Compare(base.State, r.snapshot())
	j, err := p.build(base, diff.Step{Events: res.Events, State: res.State})
	require.NoError(t, err)

	proxy.Refuse(true)
	proxy.Cut()
	require.Eventually(t, func() bool { return !p.nc.IsConnected() }, maxResends, time.Millisecond)
	_, err = p.Load(t.Context(), r.id)
	require.Error(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
	defer cancel()
	p.commitGroup(ctx, []*job{j})
	require.ErrorIs(t, j.err, ErrUnavailable)
	assert.NotErrorIs(t, j.err, ErrUnknownOutcome, "nothing was ever sent")

	proxy.Refuse(false)
	require.Eventually(t, p.nc.IsConnected, maxResends, time.Millisecond)
	commit(t, p, base, r)
	assert.Len(t, verify(t, direct.nc, direct, r.id), 1)
}

func TestOutcomeThatCannotBeHadIsUnknown(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			p, _, proxy := behindProxy(t, Options{})
			r := newRoom("room").join("ann")
			j := jobOf(t, p, load(t, p, r.id), r)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if stored {
				proxy.ToClient(swallowUntil(`"batch":`, cancel))
			} else {
				proxy.ToServer(swallowUntil(hdrBatchCommit, cancel))
			}
			p.commitGroup(ctx, []*job{j})
			require.ErrorIs(t, j.err, ErrUnknownOutcome)
			assert.NotErrorIs(t, j.err, ErrUnavailable)
			proxy.ToClient(nil)
			proxy.ToServer(nil)
			proxy.Cut() // what was swallowed left the streams out of step
			require.Eventually(t, func() bool {
				rec, err := p.Load(t.Context(), r.id)
				return err == nil && (rec.Revision > 0) == stored
			}, maxResends, 5*time.Millisecond)
		})
	}
}

// swallowUntil is a fault that lets nothing through, and calls f when the text comes.
func swallowUntil(text string, f func()) faultproxy.Fault {
	return func(data []byte) []byte {
		if bytes.Contains(data, []byte(text)) {
			f()
		}
		return nil
	}
}

// onSecondAttempt is a logger that calls f when a commit is about to be tried again.
func onSecondAttempt(f func()) *slog.Logger {
	return slog.New(slog.NewTextHandler(writer(swallowUntil("sent again", f)), &slog.HandlerOptions{Level: slog.LevelDebug}))
}

// writer is an [io.Writer] made of a fault.
type writer faultproxy.Fault

func (w writer) Write(data []byte) (int, error) {
	w(data)
	return len(data), nil
}

func TestStreamThatIsGoneIsUnavailable(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := newPublisher(t, Options{Logger: onSecondAttempt(cancel)})
	base := load(t, p, "room")
	j := jobOf(t, p, base, newRoom("room").join("ann"))
	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	p.commitGroup(ctx, []*job{j})
	require.ErrorIs(t, j.err, ErrUnavailable)
	require.ErrorIs(t, j.err, nats.ErrNoResponders)
	_, err := p.Load(t.Context(), "room")
	var se *ServerError
	require.ErrorAs(t, err, &se)
	assert.Equal(t, 10059, se.Code)
}

func TestClosedConnectionGivesUpAtOnce(t *testing.T) {
	t.Parallel()
	nc := connect(t, startEmbedded(t, disk.Fast(t)).ClientURL())
	p := open(t, nc, Options{GiveUpAfter: time.Hour})
	base := load(t, p, "room")
	res := diff.Compare(base.State, newRoom("room").join("ann").snapshot())
	j, err := p.build(base, diff.Step{Events: res.Events, State: res.State})
	require.NoError(t, err)
	nc.Close()
	p.commitGroup(t.Context(), []*job{j})
	require.ErrorIs(t, j.err, nats.ErrConnectionClosed)
}
