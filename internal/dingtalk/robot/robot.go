// Package robot sends messages to DingTalk groups through their custom robots.
//
// A custom robot is an address with an access token, and a secret to sign with. It takes 20
// messages a minute and blocks a robot for ten minutes that is sent more; see
// https://open.dingtalk.com/document/orgapp/custom-robot-access.
package robot

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/c4342123/rollcall/internal/base/proxy"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// The robot's limits, as DingTalk documents them.
const (
	// Limit is how many messages a robot takes in any [Window].
	Limit  = 20
	Window = time.Minute
	// Block is how long a robot takes nothing once it was sent more.
	Block = 10 * time.Minute
)

// DefaultURL is where the robots of dingtalk.com are.
const DefaultURL = "https://oapi.dingtalk.com"

const (
	sendPath = "/robot/send"
	// maxReply bounds what is read of a reply, in bytes: a real one has less than a hundred.
	maxReply = 64 << 10
	// idleConns and idleTime are about the connections that are kept between two messages.
	idleConns = 1
	idleTime  = 90 * time.Second
)

// Options of a [Client].
type Options struct {
	// URL is the base address, without a trailing slash; [DefaultURL] when empty.
	URL string
	// Token and Secret are the robot's: its access_token, and the secret of its additional
	// signature.
	Token, Secret string
	// Now is the clock that messages are signed by; time.Now when nil.
	Now func() time.Time
}

// Message is one Markdown message.
type Message struct {
	// UUID tells the message from others: a robot says two messages with the same UUID once.
	UUID string `json:"uuid"`
	// Title is what a notification shows, Text the message itself.
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Client sends to one robot. It is safe for concurrent use.
type Client struct {
	options Options
	http    *http.Client
}

// New returns a client. The caller closes it.
func New(options Options) *Client {
	if options.URL == "" {
		options.URL = DefaultURL
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Client{options: options, http: &http.Client{
		Transport: &http.Transport{
			Proxy: proxy.FromEnvironment, MaxIdleConnsPerHost: idleConns, IdleConnTimeout: idleTime, ForceAttemptHTTP2: true,
		},
		// A redirect would carry the token to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Close closes the connections that are not in use.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Sign returns the signature of a request made at a time, in milliseconds: the base64 of the
// HMAC-SHA256 of the time and the secret under the secret. It has to be escaped for the query.
func Sign(secret string, timestamp int64) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = fmt.Fprintf(mac, "%d\n%s", timestamp, secret)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Send sends a message once. It returns nil when the robot has said it, now or before. An [*Error]
// is the robot's answer and means that it has not; after any other error it is not known whether it
// has. No error holds the token or the secret.
func (c *Client) Send(ctx context.Context, m Message) error {
	req, err := c.request(ctx, m)
	if err != nil {
		return err
	}
	resp, err := c.http.Do(req)
	if err != nil {
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err // without the address, which holds the token
		}
		return fmt.Errorf("send to the robot: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxReply))
	if err != nil {
		return fmt.Errorf("read the robot's reply: %w", err)
	}
	return c.judge(resp.StatusCode, body)
}

func (c *Client) request(ctx context.Context, m Message) (*http.Request, error) {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false) // it would take six bytes for one of a limited number
	err := encoder.Encode(map[string]any{
		"msgtype": "markdown", "markdown": map[string]string{"title": m.Title, "text": m.Text},
		"at": map[string]bool{"isAtAll": false}, "msgUuid": m.UUID,
	})
	if err != nil {
		return nil, fmt.Errorf("encode a message: %w", err)
	}
	timestamp := c.options.Now().UnixMilli()
	query := url.Values{
		"access_token": {c.options.Token}, "timestamp": {strconv.FormatInt(timestamp, 10)},
		"sign": {Sign(c.options.Secret, timestamp)},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.options.URL+sendPath+"?"+query.Encode(), &body)
	if err != nil {
		return nil, errors.New("the robot's address cannot be used")
	}
	req.Header.Set("Content-Type", "application/json;charset=utf-8")
	return req, nil
}

// judge reads a reply. Errors come with HTTP status 200, too.
func (c *Client) judge(status int, body []byte) error {
	// What cannot be read, such as an error page, has no code.
	reply, _ := wire.ReadFault(body)
	code, reading := wire.Code(reply.ErrCode)
	switch {
	case wire.None(reply.ErrCode) || reading == wire.Unreadable:
		if reply.Blocked() {
			return &Error{Code: wire.BlockedStatus, Message: "the address is blocked"}
		}
		return fmt.Errorf("the robot's reply has HTTP status %d and no errcode", status)
	case code == 0 && status == http.StatusOK:
		return nil
	case code == 0:
		return fmt.Errorf("the robot's reply has errcode 0 but HTTP status %d", status)
	}
	message, _ := wire.Text(reply.ErrMsg)
	return &Error{Code: int(code), Message: c.clean(message)}
}
