package api

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// reply is an HTTP reply whose body has come whole. It is valid only until the function it was
// handed to returns.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// nothing is an empty body. It keeps net/http from repeating a GET by itself when a kept connection
// breaks: every call counts against the rate and the quota, so retries are made here, where the
// limiter is asked. Nothing is sent of it.
type nothing struct{}

func (nothing) Read([]byte) (int, error) { return 0, io.EOF }
func (nothing) Close() error             { return nil }

// exchange makes one HTTP request and hands its reply to read if it can be what was asked for: with
// any status of success, as the official SDK takes it.
func (c *Client) exchange(
	ctx context.Context, op string, build func(context.Context) (*http.Request, error), read func(reply) error,
) error {
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	req, err := build(timed)
	if err != nil {
		return &Error{Op: op, Kind: KindRequest, Err: c.secrets.error(err)}
	}
	resp, err := c.transport.RoundTrip(req)
	if err != nil {
		return c.broken(ctx, op, 0, err)
	}
	defer resp.Body.Close()
	buf := buffers.Get().(*[]byte)
	defer releaseBuffer(buf)
	*buf, err = readBody(resp, *buf)
	r := reply{status: resp.StatusCode, header: resp.Header, body: wire.Body(*buf)}
	switch {
	case errors.Is(err, errBodyTooLarge):
		return &Error{Op: op, Kind: KindReply, Status: r.status, Err: err}
	case err != nil:
		return c.broken(ctx, op, r.status, err)
	case encoded(r.header):
		return &Error{Op: op, Kind: KindReply, Status: r.status, Err: errEncoded}
	case r.status < http.StatusOK || r.status >= http.StatusMultipleChoices || isPage(r.body):
		return c.fault(op, r)
	}
	return c.understood(op, r, read(r))
}

// understood gives the error of a reader, if any, its place.
func (c *Client) understood(op string, r reply, err error) error {
	if err == nil {
		return nil
	}
	if e, ok := err.(*Error); ok { //nolint:errorlint // made by fault, never wrapped
		return e
	}
	return &Error{
		Op: op, Kind: KindReply, Status: r.status,
		Message: c.excerpt(op, r), Err: c.secrets.error(wire.DecodeError(err)),
	}
}

// broken is an exchange that did not come to its end. That the caller gave up is no failure of
// upstream.
func (c *Client) broken(ctx context.Context, op string, status int, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) {
		return fmt.Errorf("dingtalk: %s: %w", op, context.Cause(ctx))
	}
	kind := KindNetwork
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		kind = KindTimeout
	}
	return &Error{Op: op, Kind: kind, Status: status, Err: c.secrets.error(err)}
}

var errEncoded = errors.New("the reply is compressed, which was not asked for")

func encoded(header http.Header) bool {
	coding := header.Get("Content-Encoding")
	return coding != "" && !strings.EqualFold(coding, "identity")
}

// isPage recognises what a person is to read. What a reply says it is does not count: there are
// servers that call all that they send a page.
func isPage(body []byte) bool { return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("<")) }
