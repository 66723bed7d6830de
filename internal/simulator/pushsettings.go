package simulator

import (
	"fmt"
	"net/url"
	"time"

	"github.com/c4342123/rollcall/internal/simulator/history"
)

// PushSettings say where and how the platform pushes what happens. The zero value pushes over the
// stream alone, to the clients that connect to it.
type PushSettings struct {
	// URL is the webhook's; there is at most one for an app. Nothing is pushed over HTTP when it is
	// empty.
	URL string `yaml:"url,omitempty"`
	// Token, AESKey (43 characters) and OwnerKey are what the platform shares with the webhook.
	// OwnerKey is the app's AppKey when empty.
	Token    string `yaml:"token,omitempty"`
	AESKey   string `yaml:"aesKey,omitempty"`
	OwnerKey string `yaml:"ownerKey,omitempty"`
	// OldParameters names the query's parameters as older versions do: signature and timeStamp.
	OldParameters bool `yaml:"oldParameters,omitempty"`
	// TargetPush gives the events the types they have for meetings that the app itself created.
	TargetPush bool `yaml:"targetPush,omitempty"`
	// LeavesAtEnd pushes that everybody has left before it pushes that the meeting is closed. It is
	// not documented whether the platform does.
	LeavesAtEnd bool `yaml:"leavesAtEnd,omitempty"`
	// Timeout is how long the webhook may take to answer: 2.5 s when 0. Retry and LastRetry are how
	// long after a failed push it is sent a second and a last time: 10 s and 30 s when 0. All are
	// real time.
	Timeout   history.Duration `yaml:"timeout,omitempty"`
	Retry     history.Duration `yaml:"retry,omitempty"`
	LastRetry history.Duration `yaml:"lastRetry,omitempty"`
	// Monthly is the organisation's quota of pushes in a calendar month, webhook and stream
	// together; none when 0. Once it is used up there simply are no more.
	Monthly int `yaml:"monthly,omitempty"`
}

// StreamSettings say how the stream gateway behaves. The zero value works. All times are real.
type StreamSettings struct {
	TicketLife history.Duration `yaml:"ticketLife,omitempty"` // how long a ticket is good for; 90 s when 0
	AckTimeout history.Duration `yaml:"ackTimeout,omitempty"` // until a message without an acknowledgement comes again; 3 s when 0
	Redeliver  history.Duration `yaml:"redeliver,omitempty"`  // until a message answered LATER comes again; 3 s when 0
	Deliveries int              `yaml:"deliveries,omitempty"` // how often a message is tried; 20 times when 0
	PingEvery  history.Duration `yaml:"pingEvery,omitempty"`  // between two pings to a connection; 30 s when 0
	// IgnorePings keeps connections that do not answer a ping. Otherwise they are closed after
	// AckTimeout.
	IgnorePings bool `yaml:"ignorePings,omitempty"`
}

// What the platform documents of its pushes,
// https://open.dingtalk.com/document/orgapp/configure-event-subcription and
// https://open.dingtalk.com/document/development/stream-mode-protocol-access-description; how often
// it pings and redelivers is not documented.
const (
	DefaultPushTimeout  = 2500 * time.Millisecond
	DefaultRetry        = 10 * time.Second
	DefaultLastRetry    = 30 * time.Second
	DefaultTicketLife   = 90 * time.Second
	DefaultAckTimeout   = 3 * time.Second
	defaultRedeliver    = 3 * time.Second
	defaultDeliveries   = 20
	defaultPingEvery    = 30 * time.Second
	maxStreamDeliveries = 1000
)

func (p PushSettings) validate() error {
	if p.URL != "" {
		u, err := url.Parse(p.URL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%w: settings.push.url is no URL of a webhook", history.ErrScenario)
		}
	}
	switch {
	case p.Timeout < 0 || p.Retry < 0 || p.LastRetry < 0:
		return fmt.Errorf("%w: settings.push: timeout, retry and lastRetry are not negative", history.ErrScenario)
	case p.Monthly < 0:
		return fmt.Errorf("%w: settings.push.monthly is negative", history.ErrScenario)
	}
	return nil
}

func (p PushSettings) over(base PushSettings, appKey string) PushSettings {
	pick(&p.URL, base.URL)
	pick(&p.Token, base.Token)
	pick(&p.AESKey, base.AESKey)
	pick(&p.OwnerKey, base.OwnerKey, appKey)
	pick(&p.OldParameters, base.OldParameters)
	pick(&p.TargetPush, base.TargetPush)
	pick(&p.LeavesAtEnd, base.LeavesAtEnd)
	pick(&p.Timeout, base.Timeout, history.Duration(DefaultPushTimeout))
	pick(&p.Retry, base.Retry, history.Duration(DefaultRetry))
	pick(&p.LastRetry, base.LastRetry, history.Duration(DefaultLastRetry))
	pick(&p.Monthly, base.Monthly)
	return p
}

func (s StreamSettings) validate() error {
	switch {
	case s.TicketLife < 0 || s.AckTimeout < 0 || s.Redeliver < 0 || s.PingEvery < 0:
		return fmt.Errorf("%w: settings.stream: its times are not negative", history.ErrScenario)
	case s.Deliveries < 0 || s.Deliveries > maxStreamDeliveries:
		return fmt.Errorf("%w: settings.stream.deliveries is not between 0 and %d", history.ErrScenario, maxStreamDeliveries)
	}
	return nil
}

func (s StreamSettings) over(base StreamSettings) StreamSettings {
	pick(&s.TicketLife, base.TicketLife, history.Duration(DefaultTicketLife))
	pick(&s.AckTimeout, base.AckTimeout, history.Duration(DefaultAckTimeout))
	pick(&s.Redeliver, base.Redeliver, history.Duration(defaultRedeliver))
	pick(&s.Deliveries, base.Deliveries, defaultDeliveries)
	pick(&s.PingEvery, base.PingEvery, history.Duration(defaultPingEvery))
	pick(&s.IgnorePings, base.IgnorePings)
	return s
}
