package stream

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
	"unicode"

	"github.com/coder/websocket"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

const (
	openPath = "/v1.0/gateway/connections/open"
	// connectTimeout bounds both steps together. A ticket lives 90 s.
	connectTimeout = 15 * time.Second
	maxReply       = 64 << 10 // bytes of a reply
	maxFrame       = 1 << 20  // bytes of a frame, as of a webhook's body
)

// The bodies of https://open.dingtalk.com/document/direction/stream-mode-protocol-access-description. The optional
// localIp is left out: what this machine is called inside is nobody's business.
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
	// openReply is the gateway to connect to or, with a status other than 200, what went wrong.
	openReply struct {
		Endpoint string `json:"endpoint"`
		Ticket   string `json:"ticket"`
		Code     string `json:"code"`
		Message  string `json:"message"`
	}
)

// newHTTPClient returns a client for both steps. It follows no redirect, which would hand the secret on.
func newHTTPClient(config *tls.Config) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
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
		return nil, fmt.Errorf("connect to the stream gateway: %w", c.clean(err, gateway.Ticket))
	}
	conn, _, err := websocket.Dial(ctx, address, &websocket.DialOptions{ //nolint:bodyclose // never needs closing
		HTTPClient: c.http,
		HTTPHeader: http.Header{"User-Agent": {c.opts.UserAgent}},
	})
	if err != nil {
		return nil, fmt.Errorf("connect to the stream gateway: %w", c.clean(err, gateway.Ticket))
	}
	conn.SetReadLimit(maxFrame)
	return newSession(c, conn, gateway.Ticket), nil
}

// open asks the API for a gateway and a ticket.
func (c *client) open(ctx context.Context) (openReply, error) {
	var reply openReply
	body, err := json.Marshal(openRequest{
		ClientID: c.opts.ClientID, ClientSecret: c.opts.ClientSecret, UserAgent: c.opts.UserAgent,
		Subscriptions: []subscription{{Type: typeEvent, Topic: "*"}},
	})
	if err != nil {
		return reply, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.opts.BaseURL+openPath, bytes.NewReader(body))
	if err != nil {
		return reply, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	req.Header.Set("User-Agent", c.opts.UserAgent)
	resp, err := c.http.Do(req)
	if err != nil {
		return reply, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case err != nil:
		return reply, err
	case len(raw) > maxReply:
		return reply, errors.New("the reply is too large")
	}
	err = json.Unmarshal(raw, &reply, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	switch {
	case resp.StatusCode != http.StatusOK:
		return reply, fmt.Errorf("HTTP %d: %s: %s", resp.StatusCode, reply.Code, reply.Message)
	case err != nil:
		return reply, errors.New("the reply is not JSON as documented") // what is wrong in it may be the ticket
	case reply.Endpoint == "" || reply.Ticket == "":
		return reply, errors.New("the reply has no endpoint or no ticket")
	}
	return reply, nil
}

// address is where to connect to.
func (c *client) address(gateway openReply) (string, error) {
	u, err := url.Parse(gateway.Endpoint)
	if err != nil {
		return "", err
	}
	switch {
	case u.Host == "" || u.Scheme != "wss" && u.Scheme != "ws":
		return "", fmt.Errorf("the endpoint %q is not wss://host", gateway.Endpoint)
	case u.Scheme == "ws" && strings.HasPrefix(c.opts.BaseURL, "https:"):
		return "", fmt.Errorf("the endpoint %q is not encrypted", gateway.Endpoint)
	}
	query := u.Query()
	query.Set("ticket", gateway.Ticket)
	u.RawQuery = query.Encode()
	return u.String(), nil
}

// clean returns an error of the same meaning in one bounded line, without the secret and the ticket: addresses are quoted
// in the errors of connections, and servers are free to repeat what they were sent.
func (c *client) clean(err error, ticket string) error {
	text := err.Error()
	for _, secret := range []string{c.opts.ClientSecret, ticket} {
		if secret != "" {
			text = strings.NewReplacer(secret, "[redacted]", url.QueryEscape(secret), "[redacted]").Replace(text)
		}
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
	return fmt.Errorf("%.300s", text)
}
