package service

import (
	"cmp"
	"context"
	"errors"
	"os"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v4"
	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/embeddednats"
	"github.com/c4342123/rollcall/internal/logging"
	"github.com/c4342123/rollcall/internal/natsconn"
)

const (
	firstPause = 200 * time.Millisecond
	maxPause   = 5 * time.Second
)

// link is the connection to NATS.
type link struct {
	conn *nats.Conn
	url  string
	stop func() error // closes the connection, and the server if it is ours
}

// connect connects to the NATS server of the settings, or to one it starts.
func (s *service) connect(ctx context.Context) (link, error) {
	opts := natsconn.Options{LookupEnv: s.opts.LookupEnv, Logger: s.log, Retry: true}
	l := link{stop: func() error { return nil }}
	if !s.opts.Settings.NATS.External() {
		embedded, err := s.startEmbedded(ctx)
		if err != nil {
			return link{}, err
		}
		opts.Extra, l.url, l.stop = embedded.InProcess(), embedded.ClientURL(), embedded.Close
	}
	conn, err := natsconn.Connect(ctx, s.opts.Settings.NATS, opts)
	if err != nil {
		return link{}, errors.Join(err, l.stop())
	}
	stop := l.stop
	l.conn, l.stop = conn, func() error {
		conn.Close()
		return stop()
	}
	l.url = cmp.Or(l.url, conn.ConnectedUrlRedacted())
	return l, nil
}

func (s *service) startEmbedded(ctx context.Context) (*embeddednats.Server, error) {
	settings := s.opts.Settings
	return embeddednats.Start(ctx, embeddednats.Options{
		StoreDir: settings.Store.DataDir, Listen: string(settings.Embedded.Listen),
		Username: settings.NATS.User, Password: settings.NATS.Password.Reveal(), Token: settings.NATS.Token.Reveal(),
		Logger: s.log,
	})
}

// retry calls f until it succeeds, ctx ends, or it fails with one of the errors that do not pass.
func retry[T any](ctx context.Context, changes *logging.Changes, what string, f func() (T, error), final ...error) (T, error) {
	pause := backoff.NewExponentialBackOff(backoff.WithInitialInterval(firstPause),
		backoff.WithMaxInterval(maxPause), backoff.WithMaxElapsedTime(0))
	return backoff.RetryWithData(func() (T, error) {
		value, err := f()
		for _, last := range final {
			if errors.Is(err, last) {
				return value, backoff.Permanent(err)
			}
		}
		if err != nil {
			changes.Failed(what, err)
		} else {
			changes.OK(what)
		}
		return value, err
	}, backoff.WithContext(pause, ctx))
}

// owner names this replica.
func owner() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return host + "-" + strconv.Itoa(os.Getpid())
}
