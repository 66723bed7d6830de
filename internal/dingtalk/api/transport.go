package api

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/base/proxy"
)

const (
	dialTimeout    = 5 * time.Second
	tlsTimeout     = 5 * time.Second
	idleTimeout    = 90 * time.Second
	keepAlive      = 30 * time.Second
	maxHeaderBytes = 64 << 10
	// bufferSize of a connection: a page of 128 members is about 30 KB.
	bufferSize = 32 << 10
	// maxBody bounds a reply: a page of 500 members is about 120 KB.
	maxBody = 8 << 20
	// maxPooled is the largest buffer that is kept for reuse.
	maxPooled = 1 << 20
)

var errBodyTooLarge = fmt.Errorf("the reply is longer than %d bytes", maxBody)

// newTransport is tuned for many small calls to one host: HTTP/1.1, connections kept. Redirects are
// not followed by a transport, so no token ever goes to another host.
func newTransport(o Options) *http.Transport {
	dialer := &net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	config := o.TLS.Clone()
	if config == nil {
		config = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	return &http.Transport{
		Proxy:                  proxy.FromEnvironment,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    tlsTimeout,
		ResponseHeaderTimeout:  o.Timeout,
		IdleConnTimeout:        idleTimeout,
		MaxIdleConns:           o.MaxConns,
		MaxIdleConnsPerHost:    o.MaxConns,
		MaxResponseHeaderBytes: maxHeaderBytes,
		ReadBufferSize:         bufferSize,
		Protocols:              protocols,
	}
}

// buffers holds the bodies of replies.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

func releaseBuffer(b *[]byte) {
	if cap(*b) <= maxPooled {
		buffers.Put(b)
	}
}

// readBody reads a body to its end into buf, and so frees the connection for reuse. On an error it
// returns what came.
func readBody(resp *http.Response, buf []byte) ([]byte, error) {
	if resp.ContentLength > maxBody {
		return buf[:0], errBodyTooLarge
	}
	if resp.ContentLength >= 0 {
		return readKnown(resp.Body, buf, int(resp.ContentLength))
	}
	buf = buf[:0]
	for {
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
		n, err := resp.Body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		switch {
		case len(buf) > maxBody:
			return buf[:maxBody], errBodyTooLarge
		case errors.Is(err, io.EOF):
			return buf, nil
		case err != nil:
			return buf, err
		}
	}
}

func readKnown(body io.Reader, buf []byte, length int) ([]byte, error) {
	if cap(buf) < length {
		buf = make([]byte, length)
	}
	n, err := io.ReadFull(body, buf[:length])
	return buf[:n], err
}
