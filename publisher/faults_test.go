package publisher

import (
	"bytes"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// behindProxy is a publisher whose connection goes through a proxy, and one that goes past it.
func behindProxy(t *testing.T, opts Options) (*Publisher, *Publisher, *faultproxy.Proxy) {
	t.Helper()
	s := startEmbedded(t, disk.Fast(t))
	proxy := faultproxy.Start(t, hostPort(t, s.ClientURL()))
	direct := open(t, connect(t, s.ClientURL()), Options{})
	return open(t, connect(t, "nats://"+proxy.Addr()), opts), direct, proxy
}

// onAck returns a fault that calls f for what holds the acknowledgement of a batch, and passes the
// rest.
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
			return faultproxy.Delay(t.Context(), time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			p, direct, proxy := behindProxy(t, Options{AckTimeout: 500 * time.Millisecond})
			r := newRoom("room").join("ann")
			base := load(t, p, r.id)
			proxy.ToClient(onceOnAck(fault(proxy)))
			rec := commit(t, p, base, r)
			assert.Equal(t, uint64(4), rec.Revision)
			assert.Len(t, verify(t, direct.nc, direct, r.id), 1)
			commit(t, p, rec, r.leave("ann"))
			assert.Len(t, verify(t, direct.nc, direct, r.id), 2)
		})
	}
}

// A whole group is recognised by its first job, with the right revision for each.
func TestLostAcknowledgementOfAGroupIsRecovered(t *testing.T) {
	t.Parallel()
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

// The group's answer is lost, and before it is asked for somebody else commits on top of one of its
// meetings.
func TestGroupThatWasStoredAndOvertakenIsToldApart(t *testing.T) {
	t.Parallel()
	p, direct, proxy := behindProxy(t, Options{})
	var group []*job
	for i := range 4 {
		group = append(group, jobOf(t, p, Record{State: diff.New(meetingName(i))}, newRoom(meetingName(i)).join("ann")))
	}
	proxy.ToClient(onceOnAck(func([]byte) []byte {
		update(t, direct, newRoom(meetingName(0)).join("ann").join("bob"))
		proxy.Cut()
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
	t.Parallel()
	p, direct, proxy := behindProxy(t, Options{})
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
	t.Parallel()
	p, direct, proxy := behindProxy(t, Options{})
	proxy.ToServer(faultproxy.Delay(t.Context(), 20*time.Millisecond))
	proxy.ToClient(faultproxy.Delay(t.Context(), 20*time.Millisecond))
	update(t, p, newRoom("room").join("ann"))
	proxy.ToServer(nil)
	proxy.ToClient(nil)
	assert.Len(t, verify(t, direct.nc, direct, "room"), 1)
}
