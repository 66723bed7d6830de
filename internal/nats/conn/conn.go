// Package conn connects to the NATS servers that the settings name, with the options that every
// connection of the program needs.
package conn

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/config"
)

const (
	// connectTimeout bounds one attempt to connect to one server.
	connectTimeout = 2 * time.Second
	// A server that does not answer two pings in a row is given up: a dead connection is found
	// within 15 s.
	pingInterval = 5 * time.Second
	maxPingsOut  = 2
	// reconnectWait and the jitter stand between two rounds over all servers.
	reconnectWait   = 250 * time.Millisecond
	reconnectJitter = 250 * time.Millisecond
	// The back-off of Connect itself, see [Options.Retry].
	retryInitial = 100 * time.Millisecond
	retryMax     = 2 * time.Second
)

// Options of a connection. The zero value works.
type Options struct {
	// Name is how the servers list the connection; "rollcall" when empty.
	Name string
	// Embedded is where the embedded server listens: it is connected to when the settings name no
	// other server. Empty means nats://127.0.0.1:4222.
	Embedded config.Address
	// DataDir is where the embedded server may have left a login, for those who have none set; empty
	// looks for none.
	DataDir string
	// LookupEnv finds the directory of the contexts of the nats command line tool, by
	// XDG_CONFIG_HOME and HOME. It is only needed for settings with a context.
	LookupEnv func(name string) (string, bool)
	// Retry makes Connect go on until there is a connection or its context ends. Without it Connect
	// tries every server once.
	Retry bool
	// RetryMax is the longest pause between two such attempts; 2 s when 0.
	RetryMax time.Duration
	// Failing is told why there is no connection yet, at every attempt that [Options.Retry]
	// repeats; it may be nil.
	Failing func(error)
	// Refusals are told what the servers refuse to this user; they may be nil.
	Refusals *Refusals
	// Extra options come last, such as those for a server in this process.
	Extra []nats.Option
	// Logger receives what happens to the connection; nil logs nothing.
	Logger *slog.Logger
}

// Connect returns a connection that reconnects without end, at least every half second, and buffers
// nothing while there is no server: a publish fails then. What is wrong with the settings is a
// [config.UsageError]; a login that the servers refuse is nats.ErrAuthorization, and is tried again
// with [Options.Retry], as everything is that is not the settings' fault. When ctx ends first, its
// cause is returned. The caller closes the connection; ctx does not.
func Connect(ctx context.Context, settings config.NATS, options Options) (*nats.Conn, error) {
	if options.Logger == nil {
		options.Logger = slog.New(slog.DiscardHandler)
	}
	if err := settings.Validate(); err != nil {
		return nil, err
	}
	login, err := readLogin(settings, options.LookupEnv)
	if err != nil {
		return nil, err
	}
	changes := logging.NewChanges(options.Logger, logging.ChangesOptions{Plainly: Plainly})
	natsOptions, err := login.options()
	if err != nil {
		return nil, err
	}
	natsOptions = append(natsOptions, common(options, changes)...)
	url, where := strings.Join(login.servers, ","), login.servers.String()
	if url == "" {
		url = embeddedURL(options.Embedded)
		where = url + " (the default; --nats-url or ROLLCALL_NATS_URL names another)"
	}
	var found *local
	if options.DataDir != "" && !settings.External() && !settings.LoggedIn() {
		if found, err = findLocal(options.DataDir, url); err != nil {
			return nil, err
		}
		natsOptions = append(natsOptions, found.options()...)
	}
	failed := func(err error) {
		told := err
		if err != nil {
			told = fmt.Errorf("at %s: %w", where, err)
		}
		changes.Failed("connecting to NATS", told)
		if err != nil && options.Failing != nil {
			options.Failing(err)
		}
	}
	conn, err := connect(ctx, url, append(natsOptions, options.Extra...), options, found, failed)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("cannot connect to NATS at %s: %w", where, err)
	}
	return conn, err
}

// connect tries once or, with [Options.Retry], until it works or ctx ends; a login that was found
// and is refused is not a try. failed is told how each attempt went.
func connect(
	ctx context.Context, url string, natsOptions []nats.Option, options Options, found *local, failed func(error),
) (*nats.Conn, error) {
	attempt := func() (*nats.Conn, error) {
		conn, err := once(ctx, url, natsOptions)
		for found.next(err) && ctx.Err() == nil {
			conn, err = once(ctx, url, natsOptions)
		}
		if err != nil && (!options.Retry || ctx.Err() != nil) {
			return nil, backoff.Permanent(err)
		}
		failed(err)
		return conn, err
	}
	conn, err := pause.Until(ctx, retryInitial, cmp.Or(options.RetryMax, retryMax), attempt)
	switch {
	case err == nil:
		return conn, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("not connected to NATS: %w", context.Cause(ctx))
	default:
		return nil, err
	}
}

// once makes one attempt.
func once(ctx context.Context, url string, natsOptions []nats.Option) (*nats.Conn, error) {
	d := &dialer{ctx: ctx}
	defer d.connected()
	// The dialer looks names up itself, so that ctx can interrupt that, too.
	return nats.Connect(url, append(natsOptions, nats.SetCustomDialer(d), nats.SkipHostLookup())...)
}

// common returns what every connection needs, and the logging of what happens to it.
func common(options Options, changes *logging.Changes) []nats.Option {
	name := options.Name
	if name == "" {
		name = "rollcall"
	}
	const connection = "NATS connection"
	return []nats.Option{
		nats.Name(name),
		nats.Timeout(connectTimeout),
		nats.PingInterval(pingInterval),
		nats.MaxPingsOutstanding(maxPingsOut),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(reconnectWait),
		nats.ReconnectJitter(reconnectJitter, reconnectJitter),
		nats.ReconnectBufSize(-1),
		// A login that is refused twice would close the connection for good, while the server's
		// users are being corrected.
		nats.IgnoreAuthErrorAbort(),
		nats.DisconnectErrHandler(func(nc *nats.Conn, err error) {
			if nc.IsClosed() {
				return // by us
			}
			if err == nil {
				err = errors.New("disconnected")
			}
			changes.Failed(connection, err)
		}),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { changes.Failed(connection, err) }),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			changes.OK(connection)
			options.Logger.Debug("reconnected to NATS", "server", nc.ConnectedUrlRedacted())
		}),
		nats.ErrorHandler(func(_ *nats.Conn, sub *nats.Subscription, err error) {
			what := connection + ", server's complaint"
			if options.Refusals != nil {
				options.Refusals.note(err)
			}
			if sub != nil {
				what = "NATS subscription: " + sub.Subject
			}
			changes.Failed(what, err)
		}),
	}
}

// embeddedURL is where a client on this machine finds the embedded server.
func embeddedURL(listen config.Address) string {
	host, port, err := net.SplitHostPort(string(listen))
	if err != nil {
		return nats.DefaultURL
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return "nats://" + net.JoinHostPort(host, port)
}
