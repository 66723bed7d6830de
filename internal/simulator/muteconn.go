package simulator

import (
	"bufio"
	"errors"
	"net"
	"net/http"
	"sync/atomic"
)

// muteConn is a connection that can fall silent: what is written is dropped, and what comes in is
// not read. That is what a peer sees when the machine at the other end has lost power.
type muteConn struct {
	net.Conn
	muted atomic.Bool
}

// Read returns what comes in unless the connection is silent; then it returns when the peer closes
// it.
func (c *muteConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.muted.Load() {
			return n, err
		}
	}
}

func (c *muteConn) Write(p []byte) (int, error) {
	if c.muted.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// reset closes the connection with a TCP reset.
func (c *muteConn) reset() {
	raw := c.Conn
	if wrapped, ok := raw.(interface{ NetConn() net.Conn }); ok {
		raw = wrapped.NetConn() // TLS
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}

// muteHijacker hands over the connection of a request as one that can fall silent.
type muteHijacker struct {
	http.ResponseWriter
	conn *muteConn
}

// Hijack is that of [http.Hijacker].
func (h *muteHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	if buffered.Reader.Buffered() > 0 {
		return nil, nil, errors.Join(errors.New("the client spoke before it was answered"), conn.Close())
	}
	h.conn = &muteConn{Conn: conn}
	return h.conn, bufio.NewReadWriter(bufio.NewReader(h.conn), bufio.NewWriter(h.conn)), nil
}
