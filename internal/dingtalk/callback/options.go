package callback

import (
	"log/slog"
	"time"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

const (
	defaultWindow        = time.Hour
	defaultTimeout       = time.Second
	defaultReadTimeout   = time.Second
	defaultMaxConcurrent = 1024
)

// Options of a handler. Cipher and Receiver are required; everything else has a working zero value.
type Options struct {
	// Cipher has the keys of the callback. Without one every request is answered 404.
	Cipher *Cipher
	// Receiver takes the pushes that are genuine and about meetings.
	Receiver push.Receiver
	// Window is how far the time stamp of a request may be from now, either way; 0 means one hour,
	// less than 0 that any time will do. DingTalk documents no window of its own. A push that is
	// replayed inside the window changes nothing, as its comparison is idempotent.
	Window time.Duration
	// Timeout bounds how long the receiver may take; 0 means one second. DingTalk wants its answer
	// within 2.5 s, https://open.dingtalk.com/document/orgapp/configure-event-subcription, older
	// pages say 1.5 s.
	Timeout time.Duration
	// ReadTimeout bounds how long a body may take to arrive; 0 means one second.
	ReadTimeout time.Duration
	// MaxConcurrent bounds the pushes that are with the receiver at the same time; 0 means 1024.
	// What comes beyond is refused with 503 at once.
	MaxConcurrent int
	// Observe is told how each request ended and how long it took, for metrics. It must not block.
	// Nil is fine.
	Observe func(outcome Outcome, took time.Duration)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Oddities counts values of other types than documented; nil counts nothing.
	Oddities *wire.Oddities
	// Logger takes what is worth saying; nil discards it.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Window == 0 {
		o.Window = defaultWindow
	}
	if o.Timeout <= 0 {
		o.Timeout = defaultTimeout
	}
	if o.ReadTimeout <= 0 {
		o.ReadTimeout = defaultReadTimeout
	}
	if o.MaxConcurrent <= 0 {
		o.MaxConcurrent = defaultMaxConcurrent
	}
	if o.Observe == nil {
		o.Observe = func(Outcome, time.Duration) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}
