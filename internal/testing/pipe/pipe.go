// Package pipe is a network that is made of pipes. In a bubble of [testing/synctest] a goroutine
// that waits for one lets time pass, which one that waits for the operating system does not.
package pipe

import (
	"context"
	"net"
	"sync"
)

// Listener accepts the connections that its Dial makes. It is safe for concurrent use.
type Listener struct {
	conns chan net.Conn
	ended chan struct{}
	end   func()
}

var _ net.Listener = (*Listener)(nil)

// Listen returns a listener that is to be closed.
func Listen() *Listener {
	l := &Listener{conns: make(chan net.Conn), ended: make(chan struct{})}
	l.end = sync.OnceFunc(func() { close(l.ended) })
	return l
}

// Dial connects to the listener, whatever the network and the address are. The error is that of
// ctx, or [net.ErrClosed].
func (l *Listener) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

// Accept returns the next connection, or [net.ErrClosed].
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.ended:
		return nil, net.ErrClosed
	}
}

// Addr returns an address that can stand in a URL. There is nothing behind it.
func (l *Listener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// Close ends Accept and Dial, but no connection.
func (l *Listener) Close() error {
	l.end()
	return nil
}
