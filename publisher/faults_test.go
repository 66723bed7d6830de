package publisher

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/faultproxy"
)

// behindProxy is a publisher whose connection goes through a proxy, and one that goes past it.
func behindProxy(t *testing.T, opts Options) (*Publisher, *Publisher, *faultproxy.Proxy) {
	t.Helper()
	s := startEmbedded(t, fastDir(t))
	proxy := startProxy(t, hostPort(t, s.ClientURL()))
	direct := open(t, connect(t, s.ClientURL()), Options{})
	return open(t, connect(t, "nats://"+proxy.Addr()), opts), direct, proxy
}

// onAck returns a fault that calls f for what holds the acknowledgement of a batch, and passes the rest.
func onAck(f faultproxy.Fault) faultproxy.Fault {
	return func(data []byte) []byte {
		if bytes.Contains(data, []byte(`"batch":`)) {
			return f(data)
		}
		return data
	}
}

// onceOnAck does it for the first only.
func onceOnAck(f faultproxy.Fault) faultproxy.Fault {
	var done atomic.Bool
	return onAck(func(data []byte) []byte {
		if done.Swap(true) {
			return data
		}
		return f(data)
	})
}

func TestLostAcknowledgementIsRecovered(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*faultproxy.Proxy) faultproxy.Fault{
		"swallowed": func(*faultproxy.Proxy) faultproxy.Fault { return faultproxy.Swallow },
		"cut": func(p *faultproxy.Proxy) faultproxy.Fault {
			return func([]byte) []byte { p.Cut(); return nil }
		},
		"too late": func(*faultproxy.Proxy) faultproxy.Fault {
			return faultproxy.Delay(t.Context(), 300*time.Millisecond)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, direct, proxy := behindProxy(t, Options{AckTimeout: 100 * time.Millisecond})
			r := newRoom("room").join("ann")
			base := load(t, p, r.id)
			proxy.ToClient(onceOnAck(fault(proxy)))
			rec := commit(t, p, base, r)
			assert.Equal(t, uint64(3), rec.Revision)
			assert.Len(t, verify(t, direct.nc, direct, r.id), 1)
			commit(t, p, rec, r.leave("ann"))
			assert.Len(t, verify(t, direct.nc, direct, r.id), 2)
		})
	}
}

// A whole group is recognised by its first job, with the right revision for each.
func TestLostAcknowledgementOfAGroupIsRecovered(t *testing.T) {
	p, direct, proxy := behindProxy(t, Options{AckTimeout: 100 * time.Millisecond})
	var group []*job
	for i := range 20 {
		r := newRoom(meetingName(i)).join("ann")
		if i%2 == 0 {
			r.join("bob")
		}
		group = append(group, jobOf(t, p, Record{State: diff.New(r.id)}, r))
	}
	proxy.ToClient(onceOnAck(faultproxy.Swallow))
	p.commitGroup(t.Context(), group)
	for _, j := range group {
		require.NoError(t, j.err)
		assert.Equal(t, load(t, direct, j.meeting).Revision, j.revision)
	}
}

// The group's answer is lost, and before it is asked for somebody else commits on top of one of its meetings.
func TestGroupThatWasStoredAndOvertakenIsToldApart(t *testing.T) {
	p, direct, proxy := behindProxy(t, Options{AckTimeout: 100 * time.Millisecond})
	var group []*job
	for i := range 4 {
		group = append(group, jobOf(t, p, Record{State: diff.New(meetingName(i))}, newRoom(meetingName(i)).join("ann")))
	}
	proxy.ToClient(onceOnAck(func([]byte) []byte {
		update(t, direct, newRoom(meetingName(0)).join("ann").join("bob"))
		return nil
	}))
	p.commitGroup(t.Context(), group)
	require.ErrorIs(t, group[0].err, ErrConflict)
	for _, j := range group[1:] {
		require.NoError(t, j.err)
		assert.Equal(t, load(t, direct, j.meeting).Revision, j.revision)
	}
	assert.Len(t, verify(t, direct.nc, direct, meetingName(0)), 2)
}

func TestConnectionCutInTheMiddleOfABatch(t *testing.T) {
	p, direct, proxy := behindProxy(t, Options{AckTimeout: 200 * time.Millisecond})
	r := newRoom("room")
	for i := range 300 {
		r.join(fmt.Sprint("person", i))
	}
	base := load(t, p, r.id)
	var passed atomic.Int64
	proxy.ToServer(func(data []byte) []byte {
		if passed.Add(int64(len(data))) > 100_000 && passed.Load() < 1<<40 {
			passed.Store(1 << 40)
			proxy.Cut()
			return nil
		}
		return data
	})
	commit(t, p, base, r)
	assert.GreaterOrEqual(t, passed.Load(), int64(1<<40), "the batch was cut")
	assert.Len(t, verify(t, direct.nc, direct, r.id), 300)
}

func TestSlowNetworkOnlyTakesTime(t *testing.T) {
	p, direct, proxy := behindProxy(t, Options{})
	proxy.ToServer(faultproxy.Delay(t.Context(), 20*time.Millisecond))
	proxy.ToClient(faultproxy.Delay(t.Context(), 20*time.Millisecond))
	update(t, p, newRoom("room").join("ann"))
	proxy.ToServer(nil)
	proxy.ToClient(nil)
	assert.Len(t, verify(t, direct.nc, direct, "room"), 1)
}

// The caller's time is over while the server's answer is waited for: only Load can tell, and does.
func TestContextThatEndsInTheMiddle(t *testing.T) {
	p, _, proxy := behindProxy(t, Options{AckTimeout: 300 * time.Millisecond})
	r := newRoom("room").join("ann")
	base := load(t, p, r.id)
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	proxy.ToClient(onceOnAck(func([]byte) []byte { cancel(enough); return nil }))
	_, err := p.Commit(ctx, base, diff.Compare(base.State, r.snapshot()))
	require.ErrorIs(t, err, ErrUnknownOutcome)
	require.ErrorIs(t, err, enough)
	assert.Equal(t, uint64(3), load(t, p, r.id).Revision, "Load waits for what is under way")

	ended, cancel2 := context.WithCancelCause(t.Context())
	cancel2(enough)
	_, err = p.Commit(ended, load(t, p, r.id), diff.Compare(load(t, p, r.id).State, r.join("bob").snapshot()))
	require.ErrorIs(t, err, enough)
	_, _, err = p.Update(ended, base, r.compare())
	require.ErrorIs(t, err, enough)
}

func TestLoadGivesUpWithItsContext(t *testing.T) {
	p, _, proxy := behindProxy(t, Options{})
	base := load(t, p, "room")
	blocked, release := make(chan struct{}), make(chan struct{})
	proxy.ToClient(onceOnAck(func(b []byte) []byte { close(blocked); <-release; return b }))
	r := newRoom("room").join("ann")
	done := make(chan error, 1)
	go func() {
		_, err := p.Commit(context.Background(), base, diff.Compare(base.State, r.snapshot()))
		done <- err
	}()
	<-blocked
	enough := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(enough)
	_, err := p.Load(ctx, r.id)
	require.ErrorIs(t, err, enough)
	close(release)
	require.NoError(t, <-done)
}

func TestServerThatIsAwayIsUnavailable(t *testing.T) {
	p, direct, proxy := behindProxy(t, Options{GiveUpAfter: 150 * time.Millisecond, AckTimeout: 50 * time.Millisecond})
	r := newRoom("room").join("ann")
	base := load(t, p, r.id)
	res := diff.Compare(base.State, r.snapshot())
	j, err := p.build(base, diff.Step{Events: res.Events, State: res.State})
	require.NoError(t, err)

	proxy.Refuse(true)
	proxy.Cut()
	require.Eventually(t, func() bool { return !p.nc.IsConnected() }, 5*time.Second, time.Millisecond)
	_, err = p.Load(t.Context(), r.id)
	require.Error(t, err)
	p.commitGroup(t.Context(), []*job{j})
	require.ErrorIs(t, j.err, ErrUnavailable)
	assert.NotErrorIs(t, j.err, ErrUnknownOutcome, "nothing was ever sent")

	proxy.Refuse(false)
	require.Eventually(t, p.nc.IsConnected, 5*time.Second, time.Millisecond)
	commit(t, p, base, r)
	assert.Len(t, verify(t, direct.nc, direct, r.id), 1)
}

func TestOutcomeThatCannotBeHadIsUnknown(t *testing.T) {
	for name, stored := range map[string]bool{"stored": true, "not stored": false} {
		t.Run(name, func(t *testing.T) {
			p, _, proxy := behindProxy(t, Options{GiveUpAfter: 200 * time.Millisecond, AckTimeout: 50 * time.Millisecond})
			r := newRoom("room").join("ann")
			j := jobOf(t, p, load(t, p, r.id), r)
			proxy.ToClient(faultproxy.Swallow)
			if !stored {
				proxy.ToServer(faultproxy.Swallow)
			}
			p.commitGroup(t.Context(), []*job{j})
			require.ErrorIs(t, j.err, ErrUnknownOutcome)
			assert.NotErrorIs(t, j.err, ErrUnavailable)
			proxy.ToClient(nil)
			proxy.ToServer(nil)
			proxy.Cut() // what was swallowed left the streams out of step
			require.Eventually(t, func() bool {
				rec, err := p.Load(t.Context(), r.id)
				return err == nil && (rec.Revision > 0) == stored
			}, 5*time.Second, 5*time.Millisecond)
		})
	}
}

func TestStreamThatIsGoneIsUnavailable(t *testing.T) {
	p := newPublisher(t, Options{GiveUpAfter: 100 * time.Millisecond})
	base := load(t, p, "room")
	j := jobOf(t, p, base, newRoom("room").join("ann"))
	require.NoError(t, p.js.DeleteStream(t.Context(), events.Stream))
	p.commitGroup(t.Context(), []*job{j})
	require.ErrorIs(t, j.err, ErrUnavailable)
	require.ErrorIs(t, j.err, nats.ErrNoResponders)
	_, err := p.Load(t.Context(), "room")
	var se *ServerError
	require.ErrorAs(t, err, &se)
	assert.Equal(t, 10059, se.Code)
}

func TestClosedConnectionGivesUpAtOnce(t *testing.T) {
	nc := connect(t, startEmbedded(t, fastDir(t)).ClientURL())
	p := open(t, nc, Options{GiveUpAfter: time.Hour})
	base := load(t, p, "room")
	res := diff.Compare(base.State, newRoom("room").join("ann").snapshot())
	j, err := p.build(base, diff.Step{Events: res.Events, State: res.State})
	require.NoError(t, err)
	nc.Close()
	p.commitGroup(t.Context(), []*job{j})
	require.ErrorIs(t, j.err, nats.ErrConnectionClosed)
}

// The server dies and comes back in the middle of commits of many meetings, again and again.
func TestServerKilledInTheMiddleOfCommits(t *testing.T) {
	t.Parallel()
	const meetings, kills = 8, 4
	dir := t.TempDir()
	s := startProcess(t, dir)
	proxy := startProxy(t, s.addr)
	nc := connect(t, "nats://"+proxy.Addr())
	p := open(t, nc, Options{AckTimeout: 500 * time.Millisecond, GiveUpAfter: 5 * time.Second})

	stop := make(chan struct{})
	var commits atomic.Int64
	finished := make(chan []error, 1)
	rooms := make([]*room, meetings)
	go func() {
		finished <- each(meetings, func(i int) error {
			rooms[i] = newRoom(meetingName(i))
			rec := Record{State: diff.New(rooms[i].id)}
			for n := 0; ; n++ {
				select {
				case <-stop:
					return settleRoom(p, rooms[i])
				default:
				}
				rooms[i].join(fmt.Sprint("person", n))
				if n%2 == 1 {
					rooms[i].leave(fmt.Sprint("person", n-1))
				}
				next, _, err := p.Update(context.Background(), rec, rooms[i].compare())
				if err != nil {
					if next, err = p.Load(context.Background(), rooms[i].id); err != nil {
						continue // the server is away; what is missed now is found later
					}
				}
				rec = next
				commits.Add(1)
			}
		})
	}()
	for range kills {
		began := commits.Load()
		require.Eventually(t, func() bool { return commits.Load() > began+20 }, 10*time.Second, time.Millisecond)
		s.kill()
		s = startProcess(t, dir)
		proxy.SetTarget(s.addr)
	}
	close(stop)
	for _, err := range <-finished {
		require.NoError(t, err)
	}
	require.Greater(t, commits.Load(), int64(20*kills))
	for _, r := range rooms {
		joined := 0
		for _, e := range verify(t, nc, p, r.id) {
			if e.Type == events.Joined {
				joined++
			}
		}
		assert.Equal(t, len(r.rows), joined, "everybody who came was announced")
	}
}

// settleRoom commits what is left of a room once the server is back.
func settleRoom(p *Publisher, r *room) error {
	var err error
	for range 50 {
		var rec Record
		if rec, err = p.Load(context.Background(), r.id); err != nil {
			_ = sleep(context.Background(), 50*time.Millisecond)
			continue
		}
		if _, _, err = p.Update(context.Background(), rec, r.compare()); err == nil {
			return nil
		}
	}
	return err
}
