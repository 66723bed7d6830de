package streammode

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/base/proxy"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

const (
	openPath = "/v1.0/gateway/connections/open"
	// connectTimeout bounds both steps together. A ticket lives 90 s.
	connectTimeout = 15 * time.Second
	maxReply       = 64 << 10 // bytes of a reply
	maxError       = 500      // bytes of what is said of one
	maxFrame       = 1 << 20  // bytes of a frame, as of a webhook's body
)

// The bodies of
// https://open.dingtalk.com/document/direction/stream-mode-protocol-access-description. The
// optional localIp is left out: DingTalk does not need this machine's address inside its network.
type (
	openRequest struct {
		ClientID      string         `json:"clientId"`
		ClientSecret  string         `json:"clientSecret"`
		Subscriptions []subscription `json:"subscriptions"`
		UserAgent     string         `json:"ua"`
	}
	subscription struct {
		Type  string `json:"type"`
		Topic string `json:"topic"`
	}
	// openReply is the gateway to connect to, whatever else it holds.
	openReply struct {
		Endpoint jsontext.Value `json:"endpoint"`
		Ticket   jsontext.Value `json:"ticket"`
	}
)

// place is a gateway to connect to.
type place struct{ endpoint, ticket string }

// newHTTPClient returns a client for both steps. It follows no redirect, which would hand the
// secret on.
func newHTTPClient(config *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               proxy.FromEnvironment,
			DialContext:         (&net.Dialer{Timeout: connectTimeout, KeepAlive: 30 * time.Second}).DialContext,
			TLSClientConfig:     config,
			TLSHandshakeTimeout: connectTimeout,
			MaxIdleConns:        1,
			IdleConnTimeout:     time.Second, // the next one is minutes away
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// connect asks for a gateway and connects to it. Its errors hold neither secret nor ticket.
func (c *client) connect(ctx context.Context) (*session, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	gateway, err := c.open(ctx)
	if err != nil {
		return nil, fmt.Errorf("open a stream connection: %w", c.clean(err, ""))
	}
	address, err := c.address(gateway)
	if err != nil {
		return nil, fmt.Errorf("connect to the stream gateway: %w", c.clean(err, gateway.ticket))
	}
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // never needs closing
		HTTPClient: c.http,
		HTTPHeader: http.Header{"User-Agent": {c.opts.UserAgent}},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the stream gateway: %w", c.clean(err, gateway.ticket))
	}
	conn.SetReadLimit(maxFrame)
	return newSession(c, conn, gateway.ticket), nil
}

// open asks the API for a gateway and a ticket.
func (c *client) open(ctx context.Context) (place, error) {
	body, err := json.Marshal(openRequest{
		ClientID: c.opts.ClientID, ClientSecret: c.opts.ClientSecret, UserAgent: c.opts.UserAgent,
		Subscriptions: []subscription{{Type: typeEvent, Topic: "*"}},
	})
	if err != nil {
		return place{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.opts.BaseURL+openPath, bytes.NewReader(body))
	if err != nil {
		return place{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.opts.UserAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return place{}, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return place{}, err
	case len(raw) > maxReply:
		return place{}, fmt.Errorf("%w; the reply is too large", c.refusal(resp.StatusCode, raw[:maxReply]))
	}
	if gateway, ok := c.gateway(raw); ok && resp.StatusCode/100 == 2 {
		return gateway, nil
	}
	return place{}, c.refusal(resp.StatusCode, raw)
}

// gateway reads where to connect to, if a reply says so.
func (c *client) gateway(raw []byte) (place, bool) {
	var reply openReply
	if json.Unmarshal(wire.Body(raw), &reply, wire.Options) != nil {
		return place{}, false
	}
	endpoint, given := wire.AppendID(nil, reply.Endpoint)
	c.opts.Oddities.Note(wire.Gateway, given)
	ticket, given := wire.AppendID(nil, reply.Ticket)
	c.opts.Oddities.Note(wire.Gateway, given)
	gateway := place{strings.TrimSpace(string(endpoint)), strings.TrimSpace(string(ticket))}
	return gateway, gateway.endpoint != "" && gateway.ticket != ""
}

// refusal says why a reply names no gateway: in its own words or, where it is a page, by the
// beginning of that. Of other JSON it quotes nothing, as that may hold the ticket.
func (c *client) refusal(status int, raw []byte) error {
	parts := []string{fmt.Sprintf("HTTP %d", status)}
	fault, err := wire.ReadFault(raw)
	for _, part := range []string{fault.Code(), fault.Message()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 1 {
		parts = append(parts, "the reply has no endpoint or no ticket")
	}
	if excerpt := wire.Excerpt(raw, func(text string) string { return c.redact(text, "") }); err != nil && excerpt != "" {
		parts = append(parts, excerpt)
	}
	return errors.New(strings.Join(parts, ": "))
}

// address is where to connect to.
func (c *client) address(gateway place) (string, error) {
	u, err := url.Parse(gateway.endpoint)
	if err != nil {
		return "", err
	}
	switch {
	case u.Host == "" || u.Scheme != "wss" && u.Scheme != "ws":
		return "", fmt.Errorf("the endpoint %q is not wss://host", gateway.endpoint)
	case u.Scheme == "ws" && strings.HasPrefix(c.opts.BaseURL, "https:"):
		return "", fmt.Errorf("the endpoint %q is not encrypted", gateway.endpoint)
	}
	query := u.Query()
	query.Set("ticket", gateway.ticket)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// clean returns an error of the same meaning in one bounded line, without the secret and the
// ticket: addresses are quoted in the errors of connections, and servers are free to repeat what
// they were sent.
func (c *client) clean(err error, ticket string) error {
	return errors.New(plaintext.Line(c.redact(err.Error(), ticket), maxError))
}

func (c *client) redact(text, ticket string) string {
	for _, secret := range []string{c.opts.ClientSecret, ticket} {
		if secret != "" {
			text = strings.NewReplacer(secret, "[redacted]", url.QueryEscape(secret), "[redacted]").Replace(text)
		}
	}
	return text
}
