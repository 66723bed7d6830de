package httpapi

import (
	"context"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/stored/feed"
)

func TestLimitsWithinOpenFiles(t *testing.T) {
	for files, want := range map[uint64]Limits{
		0:         {1000, 500, 200},
		1 << 20:   {1000, 500, 200},
		1032:      {1000, 500, 200},
		1031:      {999, 500, 200},
		256:       {224, 224, 168},
		64:        {32, 32, 24},
		33:        {1, 1, 1},
		32:        {1, 1, 1},
		3:         {1, 1, 1},
		1<<64 - 1: {1000, 500, 200},
	} {
		assert.Equal(t, want, Limits{}.Within(files), files)
	}
	assert.Equal(t, Limits{50, 50, 38}, Limits{Connections: 50}.Within(1024), "readers leave some to others")
	assert.Equal(t, Limits{50, 7, 5}, Limits{Connections: 50, PerAddress: 7, Readers: 5}.Within(1024))
}

// from is a connection from an address.
type from struct {
	net.Conn
	address string
	closed  bool
}

func (c *from) RemoteAddr() net.Addr {
	at, _ := net.ResolveTCPAddr("tcp", c.address)
	return at
}

func (c *from) Close() error {
	c.closed = true
	return nil
}

// queue is a listener at which connections wait already.
type queue []*from

func (q *queue) Accept() (net.Conn, error) {
	if len(*q) == 0 {
		return nil, net.ErrClosed
	}
	c := (*q)[0]
	*q = (*q)[1:]
	return c, nil
}

func (q *queue) Close() error   { return nil }
func (q *queue) Addr() net.Addr { return nil }

// accepted are the connections from those addresses that a door lets in one after the other, each
// busy at once unless its address begins with a blank.
func accepted(t *testing.T, d *door, q *queue, addresses ...string) (in []net.Conn, all []*from) {
	t.Helper()
	for _, address := range addresses {
		busy := address[0] != ' '
		c := &from{address: map[bool]string{true: address, false: address[1:]}[busy]}
		*q = append(*q, c)
		all = append(all, c)
		got, err := d.Accept()
		if err != nil {
			require.ErrorIs(t, err, net.ErrClosed)
			continue
		}
		if busy {
			changed(got, http.StateActive)
		}
		in = append(in, got)
	}
	return in, all
}

func TestTheDoorLetsInNoMoreThanTheLimits(t *testing.T) {
	const a, b, here = "192.0.2.1:1", "192.0.2.2:1", "127.0.0.1:1"
	for name, c := range map[string]struct {
		addresses []string
		closed    []bool
		refused   uint64
	}{
		"as many as there may be":          {[]string{a, a, b, b}, []bool{false, false, false, false}, 0},
		"one more":                         {[]string{a, a, b, b, here}, []bool{false, false, false, false, true}, 1},
		"one more of an address":           {[]string{a, a, a, b}, []bool{false, false, true, false}, 1},
		"the same, written otherwise":      {[]string{a, a, "[::ffff:192.0.2.1]:7", b}, []bool{false, false, true, false}, 1},
		"this machine may have all":        {[]string{here, here, here, here}, []bool{false, false, false, false}, 0},
		"this machine in version 6":        {[]string{"[::1]:1", "[::1]:2", "[::1]:3"}, []bool{false, false, false}, 0},
		"an idle one makes room":           {[]string{" " + a, a, b, b, here}, []bool{true, false, false, false, false}, 0},
		"the longest idle":                 {[]string{a, " " + b, " " + a, b, here}, []bool{false, true, false, false, false}, 0},
		"of its own address":               {[]string{" " + b, " " + a, a, a}, []bool{false, true, false, false}, 0},
		"other addresses' are not its own": {[]string{" " + b, a, a, a}, []bool{false, false, false, true}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			var q queue
			var refusals Refusals
			d := &door{&q, NewRoom(Limits{Connections: 4, PerAddress: 2}, &refusals)}
			_, all := accepted(t, d, &q, c.addresses...)
			var closed []bool
			for _, one := range all {
				closed = append(closed, one.closed)
			}
			assert.Equal(t, c.closed, closed)
			assert.Equal(t, c.refused, refusals.Connections.Load())
		})
	}
}

func TestWhoLeavesMakesRoom(t *testing.T) {
	var q queue
	d := &door{&q, NewRoom(Limits{Connections: 2, PerAddress: 2}, new(Refusals))}
	for range 5 {
		in, _ := accepted(t, d, &q, "192.0.2.1:1", "192.0.2.1:2")
		require.Len(t, in, 2)
		require.NoError(t, in[0].Close())
		require.NoError(t, in[0].Close(), "twice makes no more room")
		more, _ := accepted(t, d, &q, "192.0.2.1:3", "192.0.2.1:4")
		require.Len(t, more, 1)
		for _, c := range append(more, in[1]) {
			require.NoError(t, c.Close())
		}
	}
	assert.Empty(t, d.open)
	assert.Empty(t, d.by)
}

// TestOneMoreReader is answered 429, and let in when another has gone.
func TestOneMoreReader(t *testing.T) {
	f := feed.New(feed.Options{Stream: &tape{changed: make(chan struct{})}})
	opts := Options{Meetings: table(), Events: f, Limits: Limits{Readers: 1}, Refusals: new(Refusals)}
	ended := make(chan struct{})
	ctx, stop := context.WithCancel(t.Context())
	go func() { defer close(ended); _ = f.Run(ctx) }()
	t.Cleanup(func() { stop(); <-ended })
	require.Eventually(t, func() bool {
		reader, err := f.Subscribe(feed.Filter{})
		if err == nil {
			reader.Close()
		}
		return err == nil
	}, waiting, time.Millisecond)
	r := start(t, apiServer(t.Context(), opts), time.Second)
	const ask = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n"
	first := r.answer(t, ask)
	require.Equal(t, http.StatusOK, first.StatusCode)
	more := r.answer(t, ask)
	assert.NotEmpty(t, more.Header.Get("Retry-After"))
	assert.Contains(t, problemOf(t, more, http.StatusTooManyRequests), "ROLLCALL_EVENT_READERS")
	assert.EqualValues(t, 1, opts.Refusals.Readers.Load())
}
