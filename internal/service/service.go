// Package service puts the parts together: it is what `rollcall serve` runs.
package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"golang.org/x/time/rate"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk"
	"github.com/c4342123/rollcall/internal/discovery"
	"github.com/c4342123/rollcall/internal/logging"
	"github.com/c4342123/rollcall/internal/privacy"
	"github.com/c4342123/rollcall/internal/server"
	"github.com/c4342123/rollcall/internal/version"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// Options of the service.
type Options struct {
	Settings config.Settings
	// LookupEnv finds the contexts of the nats command line tool.
	LookupEnv func(name string) (string, bool)
	Logger    *slog.Logger
	// Ready is called once, when the service watches and answers; it may be nil.
	Ready func(Addresses)
}

// Addresses are where a running service is found.
type Addresses struct {
	HTTP string // base URL of the HTTP interface
	NATS string // URL of the NATS server
}

// Service is the running whole.
type service struct {
	opts    Options
	log     *slog.Logger
	changes *logging.Changes
	source  *dingtalk.Client
	gate    gate
}

// Run runs the service until ctx ends and then stops it in order: requests, looks, commits, connection, server. It
// returns nil after ctx, and otherwise why it could not go on.
func Run(ctx context.Context, opts Options) error {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &service{opts: opts, log: opts.Logger, changes: logging.NewChanges(opts.Logger, logging.ChangesOptions{})}
	var err error
	if s.source, err = newSource(opts); err != nil {
		return err
	}
	defer s.source.Close()
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", string(opts.Settings.HTTP.Listen))
	if err != nil {
		return fmt.Errorf("cannot listen for HTTP: %w", err)
	}
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	return first(
		owned(cancel, func() error { return s.serveHTTP(inner, ln) }),
		owned(cancel, func() error { return s.watch(inner, ln.Addr()) }),
	)
}

// owned makes a part that stops the others when it returns.
func owned(stop context.CancelFunc, part func() error) func() error {
	return func() error {
		defer stop()
		return part()
	}
}

// first runs the parts side by side, waits for all of them, and returns the first error.
func first(parts ...func() error) error {
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	for _, part := range parts {
		wg.Go(func() {
			if err := part(); err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	wg.Wait()
	return failed
}

func newSource(opts Options) (*dingtalk.Client, error) {
	d := opts.Settings.DingTalk
	client, err := dingtalk.New(dingtalk.Options{
		BaseURL: d.URL.String(), AppKey: d.AppKey, AppSecret: d.AppSecret.Reveal(), AccessToken: d.AccessToken.Reveal(),
		CorpID: d.CorpID, PageSize: opts.Settings.Polling.PageSize, Limiter: limiter(d.Rate),
		UserAgent: "rollcall/" + version.String(), Logger: opts.Logger,
	})
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	return client, nil
}

// limiter allows no more than a quarter above the rate in any second.
func limiter(perSecond float64) *rate.Limiter {
	return rate.NewLimiter(rate.Limit(perSecond), max(int(perSecond/4), 1))
}

func (s *service) serveHTTP(ctx context.Context, ln net.Listener) error {
	return server.Serve(ctx, ln, server.Options{
		Meetings: &s.gate, Token: s.opts.Settings.HTTP.APIToken.Reveal(), Owner: owner(), Checks: s.gate.checks,
		Logger: s.log,
	})
}

// watch connects to NATS and looks at meetings until ctx ends.
func (s *service) watch(ctx context.Context, http net.Addr) (err error) {
	nats, err := s.connect(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, nats.stop()) }()
	pub, err := s.openStore(ctx, nats.conn)
	if err != nil {
		return stopped(ctx, err)
	}
	polling := s.opts.Settings.Polling
	p, err := poller.New(s.members(), pub, poller.Options{
		MinInterval: max(polling.MinInterval, time.Millisecond), MaxInterval: max(polling.MaxInterval, time.Millisecond),
		Logger: s.log, Reporter: s.changes,
	})
	if err != nil {
		return err
	}
	s.gate.open(p, nats.conn)
	return s.poll(ctx, pub, p, Addresses{HTTP: "http://" + http.String(), NATS: nats.url})
}

// poll runs the committer, the poller and discovery. The committer stops last: what the others saw is stored.
func (s *service) poll(ctx context.Context, pub *publisher.Publisher, p *poller.Poller, at Addresses) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	committing, stopCommits := context.WithCancel(context.WithoutCancel(ctx))
	defer stopCommits()
	return first(
		owned(cancel, func() error { return pub.Run(committing) }),
		owned(stopCommits, func() error {
			return first(
				owned(cancel, func() error { return stopped(inner, p.Run(inner)) }),
				func() error { s.discover(inner, p, at); return nil },
			)
		}),
	)
}

// stopped makes nothing of an error that only says that ctx has ended.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

func (s *service) members() poller.Source {
	if e := s.opts.Settings.Events; e.Privacy == config.PrivacyPseudonym {
		return privacy.NewSource(s.source, e.PrivacyKey.Reveal())
	}
	return s.source
}

// discover says that the service is ready, once it is, and then looks for meetings.
func (s *service) discover(ctx context.Context, p *poller.Poller, at Addresses) {
	select {
	case <-p.Ready():
	case <-ctx.Done():
		return
	}
	s.log.Info("ready", "http", at.HTTP, "nats", at.NATS, "version", version.String())
	if s.opts.Ready != nil {
		s.opts.Ready(at)
	}
	interval := s.opts.Settings.Polling.DiscoveryInterval
	if interval == 0 {
		return
	}
	discovery.Run(ctx, discovery.Options{
		Lister: s.source, Watcher: p, Interval: interval, Logger: s.log, Reporter: s.changes,
	})
}

// openStore opens the stream, as soon as the servers can.
func (s *service) openStore(ctx context.Context, conn *nats.Conn) (*publisher.Publisher, error) {
	opts := publisher.Options{
		CorpID: s.opts.Settings.DingTalk.CorpID, Replicas: s.opts.Settings.Store.Replicas,
		Retention: s.opts.Settings.Events.Retention, Logger: s.log,
	}
	return retry(ctx, s.changes, "opening the stream", func() (*publisher.Publisher, error) {
		return publisher.Open(ctx, conn, opts)
	}, publisher.ErrStreamConfig, publisher.ErrServerTooOld)
}
