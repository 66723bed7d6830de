package dingtalk

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/c4342123/rollcall/poller"
)

const (
	// maxRetries of one request, and of all requests that one operation makes.
	maxRetries     = 2
	maxCallRetries = 8
)

// reply is an HTTP reply whose body has come whole. It is valid only until the function it was handed to returns.
type reply struct {
	status int
	header http.Header
	body   []byte
}

// call is one operation. It may make several requests, but renews its token at most once and has one budget of retries.
type call struct {
	client  *Client
	op      string
	renewed bool
	retries int
}

func (c *Client) newCall(op string) *call { return &call{client: c, op: op} }

// get makes an API call and hands a 200 of a plausible type to read. An error of read says that the reply is not what
// was asked for.
func (k *call) get(ctx context.Context, path string, read func(reply) error) error {
	return k.do(ctx, func(ctx context.Context) error { return k.attempt(ctx, path, read) })
}

func (k *call) attempt(ctx context.Context, path string, read func(reply) error) error {
	token, err := k.client.tokens.get(ctx)
	if err != nil {
		return err
	}
	if err := k.client.limit(ctx, k.op); err != nil {
		return err
	}
	k.client.stats.requests.Add(1)
	err = k.client.exchange(ctx, k.op, func(ctx context.Context) (*http.Request, error) {
		req, err := k.client.request(ctx, http.MethodGet, k.client.base+path, nil)
		if err == nil {
			req.Header["X-Acs-Dingtalk-Access-Token"] = []string{token.value}
		}
		return req, err
	}, read)
	return k.judge(ctx, token, err, func() error { return k.attempt(ctx, path, read) })
}

// judge tells the token's keeper how the token did, and repeats the attempt once with another if it was refused.
func (k *call) judge(ctx context.Context, token grant, err error, again func() error) error {
	e, ok := err.(*Error) //nolint:errorlint // only this request's own failure speaks of this token
	if err == nil {
		k.client.tokens.accepted(token.number)
		k.client.block.over()
		return nil
	}
	if !ok || e.Kind != KindToken {
		return err
	}
	if !k.client.tokens.refused(token.number) {
		e.Kind, e.Err = KindCredentials, errFixedToken
		return e
	}
	if k.renewed || ctx.Err() != nil {
		return err
	}
	k.renewed = true
	return again()
}

var errFixedToken = errors.New("a fixed access token is never refreshed: configure a valid one, or an app key and secret")

// limit waits for the rate.
func (c *Client) limit(ctx context.Context, op string) error {
	if c.limiter == nil {
		return nil
	}
	err := c.limiter.Wait(ctx)
	var told *poller.SourceError
	if err == nil || errors.As(err, &told) {
		return err
	}
	return fmt.Errorf("dingtalk: %s: wait for the call rate: %w", op, err)
}

// do makes an attempt, and repeats it where a quick retry can help. What is left of an *Error becomes a
// *poller.SourceError.
func (k *call) do(ctx context.Context, attempt func(context.Context) error) error {
	pause := backoff.WithMaxRetries(backoff.NewExponentialBackOff(
		backoff.WithInitialInterval(k.client.retryPause), backoff.WithMultiplier(2),
		backoff.WithMaxElapsedTime(0)), maxRetries)
	for {
		err := attempt(ctx)
		e, ok := err.(*Error) //nolint:errorlint // an error that is wrapped already has been through here
		if !ok {
			return err
		}
		if !e.retryNow() || k.retries == maxCallRetries || !sleep(ctx, pause.NextBackOff()) {
			return e.source()
		}
		k.retries++
		k.client.stats.retries.Add(1)
	}
}

// sleep waits for d and reports whether it did: not when d means "no more", and not when ctx ends before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == backoff.Stop {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// exchange makes one HTTP request and hands its reply to read if it can be what was asked for.
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
	r := reply{status: resp.StatusCode, header: resp.Header, body: *buf}
	switch {
	case errors.Is(err, errBodyTooLarge):
		return &Error{Op: op, Kind: KindReply, Status: r.status, Err: err}
	case err != nil:
		return c.broken(ctx, op, r.status, err)
	case r.status != http.StatusOK || !maybeJSON(r.header):
		return c.fault(op, r)
	}
	return c.understood(op, r, read(r))
}

// understood gives the error of a reader, if any, its place.
func (c *Client) understood(op string, r reply, err error) error {
	var e *Error
	if err == nil || errors.As(err, &e) {
		return err
	}
	return &Error{
		Op: op, Kind: KindReply, Status: r.status,
		Message: c.secrets.excerpt(r.body), Err: c.secrets.error(err),
	}
}

// broken is an exchange that did not come to its end. That the caller gave up is nobody's fault upstream.
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

// maybeJSON refuses what says that it is something else. An absent type and the types of servers that do not care are
// let through: the body decides.
func maybeJSON(header http.Header) bool {
	kind, _, _ := strings.Cut(header.Get("Content-Type"), ";")
	switch kind = strings.ToLower(strings.TrimSpace(kind)); kind {
	case "", "application/json", "text/plain", "application/octet-stream":
		return true
	default:
		return strings.HasSuffix(kind, "json")
	}
}
