package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v4"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/poller"
)

const (
	// maxRetries of one request, and of all requests that one operation makes.
	maxRetries     = 2
	maxCallRetries = 8
	// maxRetryPause is far beyond what so few retries come to.
	maxRetryPause = time.Minute
)

// call is one operation. It may make several requests, but renews its token at most once and has
// one budget of retries.
type call struct {
	client  *Client
	op      string
	renewed bool
	retries int
	sending func() // is called before each request; may be nil
}

func (c *Client) newCall(op string) *call { return &call{client: c, op: op} }

// get makes an API call and hands a reply that is neither a failure nor a page to read. An error of
// read says that the reply is not what was asked for.
func (k *call) get(ctx context.Context, path string, read func(reply) error) error {
	return k.do(ctx, func(ctx context.Context) error {
		for {
			token, err := k.send(ctx, path, read)
			again, err := k.judge(ctx, token, err)
			if !again {
				return err
			}
		}
	})
}

// send makes one request when there is a token and the rate allows it.
func (k *call) send(ctx context.Context, path string, read func(reply) error) (grant, error) {
	c := k.client
	token, err := k.ready(ctx)
	if err != nil {
		return grant{}, err
	}
	c.stats.requests.Add(1)
	if k.sending != nil {
		k.sending()
	}
	err = c.exchange(ctx, k.op, func(ctx context.Context) (*http.Request, error) {
		req, err := c.request(ctx, http.MethodGet, c.base+path, nil)
		if err != nil {
			return nil, err
		}
		req.Header["X-Acs-Dingtalk-Access-Token"] = []string{token.value}
		req.Body = nothing{}
		return req, nil
	}, read)
	c.observed(err)
	return token, err
}

// ready waits until a request may be made, and returns the token for it. No call is drawn while
// there is no token; and as waiting may take long, the token is taken after the wait: one taken
// before it could have expired meanwhile.
func (k *call) ready(ctx context.Context) (grant, error) {
	if _, err := k.client.tokens.get(ctx); err != nil {
		return grant{}, err
	}
	if err := k.client.limit(ctx, k.op); err != nil {
		return grant{}, err
	}
	return k.client.tokens.get(ctx)
}

// observed tells a limiter that wants to know how a call went.
func (c *Client) observed(err error) {
	o, ok := c.limiter.(Observer)
	if !ok {
		return
	}
	if e, own := err.(*Error); own { //nolint:errorlint // only the request's own failure, which nothing wraps
		err = e.source()
	}
	o.Observe(err)
}

// judge tells the token's keeper how the token did, and says whether to send the request again with
// another one: once, if it was refused.
func (k *call) judge(ctx context.Context, token grant, err error) (again bool, _ error) {
	if err == nil {
		k.client.tokens.accepted(token.number)
		k.client.block.over()
		return false, nil
	}
	e, ok := err.(*Error) //nolint:errorlint // only this request's own failure speaks of this token
	if !ok || e.Kind != KindToken {
		return false, err
	}
	if !k.client.tokens.refused(token.number) {
		e.Kind, e.Err = KindCredentials, errFixedToken
		return false, err
	}
	again = !k.renewed && ctx.Err() == nil
	k.renewed = true
	return again, err
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

// do makes an attempt, and repeats it where a quick retry can help. What is left of an *Error
// becomes a *poller.SourceError.
func (k *call) do(ctx context.Context, attempt func(context.Context) error) error {
	waits := backoff.WithMaxRetries(pause.Doubling(k.client.retryPause, maxRetryPause), maxRetries)
	for {
		err := attempt(ctx)
		e, ok := err.(*Error) //nolint:errorlint // an error that is wrapped already has been through here
		if !ok {
			return err
		}
		if !e.retryNow() || k.retries == maxCallRetries || !sleep(ctx, waits.NextBackOff()) {
			return e.source()
		}
		k.retries++
		k.client.stats.retries.Add(1)
	}
}

// sleep waits for d and reports whether it did: not when d means "no more", and not when ctx ends
// before.
func sleep(ctx context.Context, d time.Duration) bool {
	if d == backoff.Stop {
		return false
	}
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < d {
		return false
	}
	return pause.For(ctx, d)
}
