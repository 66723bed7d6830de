// Package httpapi is Rollcall's HTTP face: the API under /v1, the web page, the health of the
// service and its metrics.
package httpapi

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/stored/feed"
)

const (
	maxHeader   = 16 << 10
	maxBody     = 64 << 10
	readTimeout = 10 * time.Second
	// changeTimeout is how long a change may take that a request asks for: storing it while NATS is
	// slow to answer, and the last look at a meeting that is given up. writeTimeout leaves time to
	// say that it took too long.
	changeTimeout = 45 * time.Second
	writeTimeout  = 60 * time.Second
	// idleTimeout is how long a connection may be without a request, from its beginning and between
	// two.
	idleTimeout = 10 * time.Second
	// closeTimeout is how long requests under way may take when the service stops.
	closeTimeout = 4 * time.Second
)

// Meetings is what the API shows and changes. Its errors are [poller.ErrNotWatched],
// [poller.ErrNotReady], those of [events.CheckConferenceID], and any other for what cannot be done
// at present.
type Meetings interface {
	// Watch begins to watch a meeting and tells whether it was not watched before.
	Watch(ctx context.Context, conferenceID, title string) (bool, error)
	// Unwatch stops watching a meeting.
	Unwatch(ctx context.Context, conferenceID string) error
	// Meeting returns one watched meeting, whichever replica looks at it.
	Meeting(ctx context.Context, conferenceID string) (peers.Meeting, *diff.State, error)
	// Stored returns what is stored of a meeting, watched or not; nil when nothing is.
	Stored(ctx context.Context, conferenceID string) (*diff.State, error)
	// Meetings returns all of them, ordered by id.
	Meetings(ctx context.Context) ([]peers.Meeting, error)
}

// Events is where readers of events subscribe; see [feed.Feed].
type Events interface {
	Subscribe(filter feed.Filter) (*feed.Reader, error)
	Resume(filter feed.Filter, after feed.ID) (*feed.Reader, error)
}

// Check is one condition of the service.
type Check struct {
	Name string
	// Err is nil when all is well. Its text is shown to everybody.
	Err error
	// Note is what else there is to say, to everybody.
	Note string
	// Warning is what is well now, and may not stay so; it makes nothing degraded.
	Warning string
	// Since is since when it is so, and Success when it worked last; zero when that is not known.
	Since, Success time.Time
	// Do is what to do when it fails, or about the warning.
	Do string
	// Details are about single meetings, and shown only to those who may read about meetings.
	Details []string
	// Vital says that the service is not ready without it; otherwise it is degraded.
	Vital bool
}

// Options of a server.
type Options struct {
	// Ready is closed when Meetings, Reports, Past and Events may be asked; before that, requests
	// that need them are answered with 503 and what NotReady says. Nil stands for at once.
	Ready    <-chan struct{}
	NotReady func() error
	Meetings Meetings
	// Reports computes who attended.
	Reports Reports
	// Past finds the meetings that are over.
	Past Past
	// People knows what is stored about somebody, and erases it.
	People People
	// Access says who may use API and web page. Without it they answer only on loopback.
	Access *access.Access
	// LogIn says who logs people in; without it tokens alone do.
	LogIn LogIn
	// TrustedProxies are the networks of proxies whose X-Forwarded-Prefix and X-Forwarded-For are
	// believed.
	TrustedProxies []netip.Prefix
	// Checks returns the state of the service's parts; it must not block. Without it the service
	// counts as ready.
	Checks func() []Check
	// Month says how the calls and pushes of the month stand, nil while that is not known; without it
	// there is no /v1/month.
	Month func() *Month
	// Keys are listed by /v1/keys; without them there is nothing at that path.
	Keys Keys
	// Audit finds the newest checkpoint; without it there is no /v1/checkpoint.
	Audit Audit
	// Read is told what somebody is about to be shown about people; it must not block. Nil is told
	// nothing.
	Read func(events.Access)
	// Metrics answers /metrics; without it there is none.
	Metrics http.Handler
	// Events are sent by /v1/events; without them it answers 503.
	Events Events
	// Webhook answers /webhooks/dingtalk, whatever the method; without it there is nothing at that
	// path.
	Webhook Webhook
	// Limits are how many may ask at a time.
	Limits Limits
	// Room is what other listeners share; nil is room for as many as the limits say.
	Room *Room
	// Refusals count what was refused because of the limits; nil counts nothing.
	Refusals *Refusals
	// TLS is shown to clients; nil is none.
	TLS    *tls.Config
	Logger *slog.Logger

	// stop ends when the server is about to stop, and with it the answers that have no end of their
	// own; nil is never.
	stop     context.Context
	patience patience
}

func (o Options) stopping() context.Context {
	if o.stop == nil {
		return context.Background()
	}
	return o.stop
}

// notReady says why requests cannot be answered yet; nil when they can.
func (o Options) notReady() error {
	if o.Ready == nil {
		return nil
	}
	select {
	case <-o.Ready:
		return nil
	default:
		return o.NotReady()
	}
}

func (o Options) logger() *slog.Logger {
	if o.Logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Logger
}

// Serve answers requests on ln until ctx ends, then lets those under way finish. It returns nil
// after ctx, and otherwise why it could not go on. It closes ln.
func Serve(ctx context.Context, ln net.Listener, opts Options) error {
	// What requests do ends when they are cut off, and not before: ctx only stops new ones.
	requests, cut := context.WithCancel(context.WithoutCancel(ctx))
	defer cut()
	opts.stop = ctx
	if opts.Refusals == nil {
		opts.Refusals = new(Refusals)
	}
	if opts.Room == nil {
		opts.Room = NewRoom(opts.Limits, opts.Refusals)
	}
	return serve(ctx, &door{ln, opts.Room}, apiServer(requests, opts), closeTimeout)
}

func apiServer(requests context.Context, opts Options) *http.Server {
	return newServer(requests, opts, Handler(opts))
}

// newServer returns a server whose requests end with the context.
func newServer(requests context.Context, opts Options, handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		TLSConfig:         opts.TLS.Clone(), // the server adds to it
		BaseContext:       func(net.Listener) context.Context { return requests },
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: idleTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ConnState:         changed,
		ErrorLog:          slog.NewLogLogger(opts.logger().Handler(), slog.LevelDebug),
	}
}

// serve runs srv until ctx ends; requests then have until grace is over.
func serve(ctx context.Context, ln net.Listener, srv *http.Server, grace time.Duration) error {
	failed := make(chan error, 1)
	go func() {
		if srv.TLSConfig != nil {
			failed <- srv.ServeTLS(ln, "", "")
			return
		}
		failed <- srv.Serve(ln)
	}()
	select {
	case err := <-failed:
		return errors.Join(fmt.Errorf("http: %w", err), srv.Close())
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := srv.Shutdown(closing); err != nil {
		_ = srv.Close() // requests that take too long are cut off
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}
