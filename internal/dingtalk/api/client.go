package api

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/poller"
)

// Client reads meetings from DingTalk. It is safe for concurrent use and has to be closed.
type Client struct {
	base      string
	pageSize  int
	timeout   time.Duration
	userAgent []string
	limiter   Limiter
	log       *slog.Logger
	now       func() time.Time
	transport *http.Transport

	tokens    tokenSource
	tokenURL  string
	tokenBody []byte
	secrets   *secrets
	block     block
	totals    totals
	habits    habits
	stats     counters
	odd       *wire.Oddities

	retryPause time.Duration // the first pause before a quick retry
}

var _ poller.Source = (*Client)(nil)

// counters are what Stats reads.
type counters struct {
	requests, retries, tokenRequests, totalMismatches atomic.Uint64
}

// Stats counts since the client was made.
type Stats struct {
	// Requests are API calls, repeated ones included: what counts against the rate and the month's
	// quota.
	Requests uint64
	// Retries are the quick repetitions among Requests and TokenRequests.
	Retries uint64
	// TokenRequests are calls for an access token.
	TokenRequests uint64
	// TotalMismatches are member lists whose number of rows differed from totalCount even when they
	// were read again.
	TotalMismatches uint64
}

// New makes a client. It makes no call. An unusable option is an error that names it.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	c := &Client{
		base: o.BaseURL, pageSize: o.PageSize, timeout: o.Timeout, userAgent: []string{o.UserAgent},
		limiter: o.Limiter, log: o.Logger, now: o.Now, transport: newTransport(o),
		secrets: newSecrets(o.AppSecret, o.AccessToken), odd: o.Oddities, retryPause: 200 * time.Millisecond,
	}
	if o.AccessToken != "" {
		c.tokens = fixedToken(o.AccessToken)
		return c, nil
	}
	var err error
	if c.tokenURL, c.tokenBody, err = tokenRequest(o); err != nil {
		return nil, errors.New("dingtalk: AppKey or AppSecret is not valid UTF-8")
	}
	c.tokens = newTokens(c.fetchToken, o.Now, o.Logger)
	return c, nil
}

// Close ends a call for a token that is under way, waits for it and closes idle connections. Other
// calls are ended by their contexts. A closed client gets no further tokens: its calls fail with
// [ErrClosed].
func (c *Client) Close() {
	if t, ok := c.tokens.(*tokens); ok {
		t.close()
	}
	c.transport.CloseIdleConnections()
}

// CheckToken gets an access token, unless a valid one is at hand, and so tells whether the app key
// and secret are right. It costs no API call. With a fixed token there is nothing to ask, and it
// returns nil.
func (c *Client) CheckToken(ctx context.Context) error {
	_, err := c.tokens.get(ctx)
	return err
}

// Stats returns what has been counted so far.
func (c *Client) Stats() Stats {
	return Stats{
		Requests:        c.stats.requests.Load(),
		Retries:         c.stats.retries.Load(),
		TokenRequests:   c.stats.tokenRequests.Load(),
		TotalMismatches: c.stats.totalMismatches.Load(),
	}
}

// request makes a request with what all of them carry.
func (c *Client) request(ctx context.Context, method, address string, body []byte) (*http.Request, error) {
	var reader io.Reader
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, err
	}
	req.Header["User-Agent"] = c.userAgent
	req.Header["Accept"] = []string{"application/json"}
	req.Header["Accept-Encoding"] = []string{"identity"} // without it any would be acceptable
	return req, nil
}

// maxPathID bounds an id in a path, in bytes.
const maxPathID = 512

// usablePathID reports whether an id can be one segment of a path: "." and ".." would be resolved
// on the way.
func usablePathID(id string) bool {
	return id != "" && id != "." && id != ".." && len(id) <= maxPathID && !strings.Contains(id, "\x00")
}

// meetingPath is the path of a meeting's call.
func meetingPath(op, conferenceID, call string) (string, error) {
	if !usablePathID(conferenceID) {
		e := &Error{Op: op, Kind: KindRequest, Err: errors.New("the conferenceId is empty, too long or cannot be part of a path")}
		return "", e.source()
	}
	return "/v1.0/conference/videoConferences/" + url.PathEscape(conferenceID) + call, nil
}
