// Package streammode receives DingTalk's pushes over its stream connection, which needs no public
// URL: a WebSocket that this side opens,
// https://open.dingtalk.com/document/direction/stream-mode-protocol-access-description.
package streammode

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v4"
	"golang.org/x/sync/semaphore"
	"golang.org/x/time/rate"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// area is what the reporter is told about.
const area = "stream"

const (
	// maxMemory bounds the frames under way together, in bytes, and minWeight is the least that one
	// counts, so that there are at most 512 at a time.
	maxMemory = 32 << 20
	minWeight = 64 << 10
	// A gateway that says "disconnect" is left at once for another, but not more often than this.
	atOnceEvery = 10 * time.Second
	atOnceBurst = 5
	// logEvery is how often the same oddity is logged.
	logEvery = time.Minute
)

// errTooOften is a gateway that says "disconnect" again and again.
var errTooOften = errors.New("the gateway keeps sending disconnect")

// client keeps one connection open.
type client struct {
	opts    Options
	http    *http.Client
	memory  *semaphore.Weighted
	backoff *backoff.ExponentialBackOff
	atOnce  *rate.Limiter
	logs    map[Outcome]*rate.Sometimes
	leaving sync.WaitGroup // sessions that are over but for what is under way
}

// Run receives pushes until ctx ends, and then returns nil, after what is under way has been
// acknowledged: within about [Options.AckTimeout] and two seconds, unless the gateway takes no more
// data. It opens a connection, and another when that ends: at once when the gateway asks for it,
// after a while when something failed. Wrong credentials are no reason to give up, as they may be
// corrected in DingTalk's console. It returns an error only for options that cannot work.
func Run(ctx context.Context, opts Options) error {
	opts = opts.withDefaults()
	if err := opts.validate(); err != nil {
		return err
	}
	c := newClient(opts)
	defer c.http.CloseIdleConnections()
	defer c.leaving.Wait()
	for ctx.Err() == nil {
		began := time.Now()
		err := c.once(ctx)
		pause.For(ctx, c.after(ctx, time.Since(began), err))
	}
	return nil
}

func newClient(opts Options) *client {
	c := &client{
		opts:    opts,
		http:    newHTTPClient(opts.TLS),
		memory:  semaphore.NewWeighted(maxMemory),
		backoff: pause.Doubling(opts.MinWait, opts.MaxWait),
		atOnce:  rate.NewLimiter(rate.Every(atOnceEvery), atOnceBurst),
		logs:    map[Outcome]*rate.Sometimes{},
	}
	for _, outcome := range []Outcome{Ignored, Left, Malformed, NotStored, Postponed} {
		c.logs[outcome] = &rate.Sometimes{Interval: logEvery}
	}
	return c
}

// once opens a connection, receives until it ends, and returns why it did.
func (c *client) once(ctx context.Context) error {
	s, err := c.connect(ctx)
	if err != nil {
		return err
	}
	err = s.receive(ctx)
	c.leaving.Go(s.leave)
	return err
}

// after decides how long to wait after a connection that lasted so long and ended for the given
// reason.
func (c *client) after(ctx context.Context, lasted time.Duration, err error) time.Duration {
	if lasted >= c.opts.HealthyAfter {
		c.backoff.Reset()
	}
	switch {
	case ctx.Err() != nil:
		return 0
	case !errors.Is(err, errDisconnect):
	case c.atOnce.Allow():
		return 0
	default:
		err = errTooOften
	}
	c.opts.Reporter.Failed(area, err)
	return min(c.backoff.NextBackOff(), c.opts.MaxWait)
}

// note logs an oddity, once in a while.
func (c *client) note(outcome Outcome, args ...any) {
	c.logs[outcome].Do(func() { c.opts.Logger.Warn("event not taken", append([]any{"outcome", outcome}, args...)...) })
}
