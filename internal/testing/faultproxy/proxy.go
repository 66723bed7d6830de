// Package faultproxy is a TCP proxy for tests of what happens when the network between a client and
// a server fails. It cuts connections, refuses new ones, delays what passes and swallows it, in
// each direction by itself.
package faultproxy

import (
	"context"
	"errors"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// chunk is how much is read from a connection at a time, in bytes.
const chunk = 32 << 10

// Fault decides what becomes of data on its way. It is called for every piece, one piece at a time
// per connection and direction; what it returns is passed on, so it can return less or nothing.
// Blocking in it delays everything behind.
type Fault func(data []byte) []byte

// Proxy passes connections on to a server. It is made by [Start].
type Proxy struct {
	listener net.Listener
	target   string
	ctx      context.Context
	cancel   context.CancelFunc
	wg       sync.WaitGroup

	mu       sync.Mutex
	toServer Fault
	toClient Fault
	refusing bool
	conns    map[net.Conn]struct{}
}

// Start listens on any free port of the loopback and passes every connection on to target,
// host:port, until the test ends. A [Fault] that blocks has to return by then.
func Start(t testing.TB, target string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	p := &Proxy{listener: l, target: target, conns: make(map[net.Conn]struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.wg.Go(p.accept)
	t.Cleanup(func() { assert.NoError(t, p.stop()) })
	return p
}

// Addr is where clients connect to, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetTarget changes where new connections go to, host:port.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// ToServer applies f to what clients send from now on, on present connections too; nil passes
// everything.
func (p *Proxy) ToServer(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toServer = f
}

// ToClient applies f to what the server sends from now on, on present connections too; nil passes
// everything.
func (p *Proxy) ToClient(f Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.toClient = f
}

// Cut closes every connection.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		_ = c.Close()
	}
}

// Refuse closes new connections at once, or no longer does.
func (p *Proxy) Refuse(refuse bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refusing = refuse
}

// stop waits until nothing of the proxy runs any more.
func (p *Proxy) stop() error {
	p.cancel()
	err := p.listener.Close()
	p.Cut()
	p.wg.Wait()
	return err
}

// Swallow is a [Fault] that lets nothing through.
func Swallow([]byte) []byte { return nil }

// Delay returns a [Fault] that holds every piece for d, or until ctx ends.
func Delay(ctx context.Context, d time.Duration) Fault {
	return func(data []byte) []byte {
		pause.For(ctx, d)
		return data
	}
}

func (p *Proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue
		}
		p.wg.Go(func() { p.serve(c) })
	}
}

// serve passes one connection on until either side ends it.
func (p *Proxy) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	p.mu.Lock()
	target, refusing := p.target, p.refusing
	p.mu.Unlock()
	if refusing {
		return
	}
	var d net.Dialer
	server, err := d.DialContext(p.ctx, "tcp", target)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	if !p.register(client, server) {
		return
	}
	defer p.unregister(client, server)
	var both sync.WaitGroup
	both.Go(func() { p.pass(server, client, func() Fault { return p.toServer }) })
	both.Go(func() { p.pass(client, server, func() Fault { return p.toClient }) })
	both.Wait()
}

// register makes the connections known to Cut, unless the proxy is closed or refuses them by now.
func (p *Proxy) register(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ctx.Err() != nil || p.refusing {
		return false
	}
	for _, c := range conns {
		p.conns[c] = struct{}{}
	}
	return true
}

func (p *Proxy) unregister(conns ...net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range conns {
		delete(p.conns, c)
	}
}

// pass copies one direction and ends both when it is over.
func (p *Proxy) pass(dst, src net.Conn, fault func() Fault) {
	defer func() { _ = dst.Close() }()
	defer func() { _ = src.Close() }()
	buf := make([]byte, chunk)
	for {
		n, err := src.Read(buf)
		data := buf[:n]
		p.mu.Lock()
		f := fault()
		p.mu.Unlock()
		if f != nil && n > 0 {
			data = f(data)
		}
		if _, werr := dst.Write(data); err != nil || werr != nil {
			return
		}
	}
}
