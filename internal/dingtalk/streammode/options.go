package streammode

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/poller/condition"
)

const (
	defaultUserAgent = "rollcall"
	// defaultAckTimeout is when DingTalk sends an event again,
	// https://open.dingtalk.com/document/direction/stream-mode-protocol-access-description.
	defaultAckTimeout   = 3 * time.Second
	defaultPingInterval = 20 * time.Second
	defaultPingTimeout  = 5 * time.Second
	defaultMinWait      = 500 * time.Millisecond
	defaultMaxWait      = time.Minute
	defaultHealthyAfter = time.Minute
)

// Options of a stream connection. ClientID, ClientSecret and Receiver are required; everything else
// has a working zero value.
type Options struct {
	// BaseURL is where the API is, without a query; empty means [wire.DefaultBaseURL]. A path is
	// kept as a prefix.
	BaseURL string
	// ClientID and ClientSecret are the pair of an internal app (its app key and secret).
	ClientID     string
	ClientSecret string
	// UserAgent is sent with every request, "rollcall/<version>" by custom; empty means "rollcall".
	UserAgent string
	// Receiver takes the pushes about meetings. It is called by many goroutines at the same time.
	Receiver push.Receiver
	// AckTimeout is when DingTalk gives up waiting for an acknowledgement; 0 means 3 s. The
	// receiver has five sixths of it, the rest is for the way.
	AckTimeout time.Duration
	// PingInterval is how often it is tried whether the gateway is still there, and PingTimeout how
	// long it may take to show; 0 means 20 s and 5 s. Together they are the time after which a
	// half-open connection is noticed.
	PingInterval time.Duration
	PingTimeout  time.Duration
	// MinWait and MaxWait bound how long to wait after a failure, growing from one to the next; 0
	// means 0.5 s and 1 minute. Each wait is jittered by half of it either way. A connection that
	// lasted HealthyAfter makes the waits start over; 0 means 1 minute.
	MinWait      time.Duration
	MaxWait      time.Duration
	HealthyAfter time.Duration
	// TLS overrides how servers are verified; nil means the system's roots.
	TLS *tls.Config
	// Unasked says that no setting asks for this connection: another program may be waiting for
	// events that are not about meetings, and DingTalk hands each to one of the app's connections.
	// They are acknowledged with LATER.
	Unasked bool
	// Reporter is told, under the key "stream", what keeps the connection from working and that it
	// works. Nil is fine.
	Reporter condition.Reporter
	// Observe is told what became of each event and how long it took, for metrics. It must not
	// block. Nil is fine.
	Observe func(outcome Outcome, took time.Duration)
	// Oddities counts values of other types than documented; nil counts nothing.
	Oddities *wire.Oddities
	// Logger takes what else is worth saying; nil discards it.
	Logger *slog.Logger
}

// Outcome is what became of an event. There are few of them, so they may be labels of a metric.
type Outcome string

// The outcomes of events.
const (
	// Stored is a push whose consequences are stored. It is acknowledged with SUCCESS.
	Stored Outcome = "stored"
	// Ignored is an event that is not about meetings. It is acknowledged with SUCCESS.
	Ignored Outcome = "ignored"
	// Left is an event that is not about meetings on a connection that is Unasked. It is
	// acknowledged with LATER, for another reader of the app's stream.
	Left Outcome = "left"
	// Malformed is an event or frame that cannot be read. It is acknowledged with SUCCESS, where it
	// can be: sent again it would be no better.
	Malformed Outcome = "malformed"
	// NotStored is a push that the receiver could not store in time. It is acknowledged with LATER.
	NotStored Outcome = "not_stored"
	// Postponed is an event that came while too many were under way or the connection was being
	// left. It is acknowledged with LATER.
	Postponed Outcome = "postponed"
)

func (o Options) withDefaults() Options {
	o.BaseURL = strings.TrimRight(o.BaseURL, "/")
	if o.BaseURL == "" {
		o.BaseURL = wire.DefaultBaseURL
	}
	if o.UserAgent == "" {
		o.UserAgent = defaultUserAgent
	}
	for _, d := range []struct {
		value    *time.Duration
		standard time.Duration
	}{
		{&o.AckTimeout, defaultAckTimeout},
		{&o.PingInterval, defaultPingInterval},
		{&o.PingTimeout, defaultPingTimeout},
		{&o.MinWait, defaultMinWait},
		{&o.MaxWait, defaultMaxWait},
		{&o.HealthyAfter, defaultHealthyAfter},
	} {
		if *d.value == 0 {
			*d.value = d.standard
		}
	}
	o.Reporter = condition.OrNone(o.Reporter)
	if o.Observe == nil {
		o.Observe = func(Outcome, time.Duration) {}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// validate reports the first unusable option by its name, never with the value of a secret.
// Defaults are in place.
func (o Options) validate() error {
	if err := wire.CheckBaseURL(o.BaseURL); err != nil {
		return fmt.Errorf("stream: %w", err)
	}
	switch {
	case o.ClientID == "":
		return errors.New("stream: ClientID is required")
	case o.ClientSecret == "":
		return errors.New("stream: ClientSecret is required")
	case o.Receiver == nil:
		return errors.New("stream: Receiver is required")
	case o.MaxWait < o.MinWait:
		return fmt.Errorf("stream: MaxWait %v is less than MinWait %v", o.MaxWait, o.MinWait)
	}
	for name, d := range map[string]time.Duration{
		"AckTimeout": o.AckTimeout, "PingInterval": o.PingInterval, "PingTimeout": o.PingTimeout,
		"MinWait": o.MinWait, "HealthyAfter": o.HealthyAfter,
	} {
		if d < 0 {
			return fmt.Errorf("stream: %s %v is negative", name, d)
		}
	}
	return nil
}
