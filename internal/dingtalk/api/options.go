package api

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

const (
	defaultPageSize  = 500 // the platform's general page: at most 500
	defaultTimeout   = 10 * time.Second
	defaultMaxConns  = 64
	defaultUserAgent = "rollcall"

	maxPageSize    = 10_000
	maxTokenLength = 4096 // of an access token, in bytes
)

// Limiter holds calls back until the rate allows one. [golang.org/x/time/rate.Limiter] is one.
type Limiter interface {
	// Wait returns when a call may be made, or with an error when it may not before ctx ends.
	Wait(ctx context.Context) error
}

// Observer is a [Limiter] that is told how every call went that it let through: nil for one that
// succeeded, else a [poller.SourceError], or the error of a context that ended first.
type Observer interface{ Observe(err error) }

// Options say how to reach DingTalk and as whom. Either AccessToken or AppKey and AppSecret are
// required; everything else has a working zero value.
type Options struct {
	// BaseURL is where the API is, without a query; empty means [wire.DefaultBaseURL]. A path is
	// kept as a prefix.
	BaseURL string
	// AppKey and AppSecret are the pair of an internal app (its client id and client secret).
	AppKey    string
	AppSecret string
	// AccessToken is a fixed token to use instead. It is never refreshed.
	AccessToken string
	// ClientCredentials asks for tokens by the client-credentials grant of the organisation CorpID
	// (POST /v1.0/oauth2/{corpId}/token) instead of the internal app's accessToken call.
	ClientCredentials bool
	// CorpID is the organisation; only ClientCredentials needs it.
	CorpID string
	// Limiter is waited on before every API call, repeated ones included, but not before calls for
	// a token, which do not count against the quota. Nil means no limit. An error of it that is or
	// wraps a [poller.SourceError] is returned as it is.
	Limiter Limiter
	// PageSize is maxResults of a list call, 1 to 10,000; 0 means 500.
	PageSize int
	// Timeout bounds each single HTTP exchange, from dialling to the last byte of the reply; 0
	// means 10 s.
	Timeout time.Duration
	// MaxConns is how many connections are kept open for reuse, so it should be at least the number
	// of calls made at the same time; 0 means 64.
	MaxConns int
	// UserAgent is sent with every request, "rollcall/<version>" by custom; empty means "rollcall".
	UserAgent string
	// TLS overrides how the server is verified; nil means the system's roots.
	TLS *tls.Config
	// Logger takes what is worth saying; nil discards it.
	Logger *slog.Logger
	// Oddities counts values that are of another type than documented; nil counts nothing.
	Oddities *wire.Oddities
	// Now is the clock that tokens age by; nil means time.Now.
	Now func() time.Time
}

func (o Options) withDefaults() Options {
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.BaseURL == "" {
		o.BaseURL = wire.DefaultBaseURL
	}
	if o.PageSize == 0 {
		o.PageSize = defaultPageSize
	}
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	if o.MaxConns == 0 {
		o.MaxConns = defaultMaxConns
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// validate reports the first unusable option by its name, never with the value of a secret.
func (o Options) validate() error {
	if err := wire.CheckBaseURL(o.BaseURL); err != nil {
		return fmt.Errorf("dingtalk: %w", err)
	}
	if err := o.validateIdentity(); err != nil {
		return err
	}
	switch {
	case o.PageSize < 0 || o.PageSize > maxPageSize:
		return fmt.Errorf("dingtalk: PageSize %d is not between 1 and %d", o.PageSize, maxPageSize)
	case o.Timeout < 0:
		return fmt.Errorf("dingtalk: Timeout %v is negative", o.Timeout)
	case o.MaxConns < 0:
		return fmt.Errorf("dingtalk: MaxConns %d is negative", o.MaxConns)
	case !headerSafe(o.UserAgent):
		return fmt.Errorf("dingtalk: UserAgent %q cannot be sent in a header", o.UserAgent)
	}
	return nil
}

func (o Options) validateIdentity() error {
	if o.AccessToken != "" {
		switch {
		case o.AppKey != "" || o.AppSecret != "":
			return errors.New("dingtalk: AccessToken excludes AppKey and AppSecret: give one or the other")
		case o.ClientCredentials:
			return errors.New("dingtalk: AccessToken excludes ClientCredentials")
		case !usableToken(o.AccessToken):
			return errors.New("dingtalk: AccessToken cannot be sent in a header: it is too long or holds a blank or control character")
		}
		return nil
	}
	switch {
	case o.AppKey == "" && o.AppSecret == "":
		return errors.New("dingtalk: AppKey and AppSecret, or AccessToken, are required")
	case o.AppKey == "":
		return errors.New("dingtalk: AppKey is required with AppSecret")
	case o.AppSecret == "":
		return errors.New("dingtalk: AppSecret is required with AppKey")
	case o.ClientCredentials && !usablePathID(o.CorpID):
		return errors.New("dingtalk: CorpID is required with ClientCredentials")
	}
	return nil
}

// usableToken reports whether an access token can be sent as it is: visible ASCII of a reasonable
// length.
func usableToken(token string) bool {
	return token != "" && len(token) <= maxTokenLength && headerSafe(token) && !strings.ContainsRune(token, ' ')
}

// headerSafe reports whether s is made of printable ASCII only.
func headerSafe(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
