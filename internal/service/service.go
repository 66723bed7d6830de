// Package service puts the parts together: it is what `rollcall serve` runs.
package service

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/base/version"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/fleet/shards"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/stored/ended"
	"github.com/c4342123/rollcall/internal/stored/feed"
	"github.com/c4342123/rollcall/internal/stored/forget"
	"github.com/c4342123/rollcall/publisher"
)

// Options of the service.
type Options struct {
	Settings config.Settings
	// LookupEnv finds the contexts of the nats command line tool.
	LookupEnv func(name string) (string, bool)
	Logger    *slog.Logger
	// PrivacySwitch lets events tell of people in another way than those that are stored.
	PrivacySwitch bool
	// Opened is called once, when HTTP answers and the stream is open, before the first look at any
	// meeting. An error stops the service, which returns it. It may be nil.
	Opened func(Addresses) error
}

// Addresses are where a running service is found.
type Addresses struct {
	HTTP string // base URL of the HTTP interface
	NATS string // URL of the NATS server, without credentials
}

// service is the running whole.
type service struct {
	opts       Options
	log        *slog.Logger
	changes    *logging.Changes
	source     *api.Client
	limits     limits
	gate       gate
	disk       *diskWatch // under the embedded server; nil without one
	pushes     *pushes
	board      board
	plan       atomic.Pointer[plan]           // what a month has; nil until the stream is open
	replicas   atomic.Pointer[shards.Replica] // this one among all; nil until it takes part
	key        publisher.Signer               // what seals; nil without one, and before the stream is opened
	streaming  streaming
	refusals   conn.Refusals      // what NATS does not let this user
	turnedAway httpapi.Refusals   // HTTP connections and readers that were turned away
	odd        *wire.Oddities     // values from DingTalk of other types than documented
	access     *access.Access     // who may use API and page
	reads      *reads             // what is told of what they read; nil where nothing is
	stop       context.CancelFunc // makes every part stop
	served     chan struct{}      // closed when no request is under way any more
	handedIn   chan struct{}      // closed when there is no push under way either
}

// Run runs the service until ctx ends. Then requests and looks end first, what they found out is
// stored, and connection and server are closed. Run returns nil after ctx, and otherwise why it
// could not go on.
func Run(ctx context.Context, opts Options) error {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &service{
		opts: opts, log: opts.Logger, changes: logging.NewChanges(opts.Logger, logging.ChangesOptions{Plainly: conn.Plainly}),
		served: make(chan struct{}), handedIn: make(chan struct{}), odd: wire.NewOddities(opts.Logger),
	}
	s.gate.ready, s.gate.refusals = make(chan struct{}), &s.refusals
	s.reads = newReads(opts.Settings.Events.AccessEvents, s.log)
	var err error
	if s.source, err = s.newSource(); err != nil {
		return err
	}
	defer s.source.Close()
	if s.pushes, err = s.newPushes(); err != nil {
		return err
	}
	if s.access, err = s.newAccess(); err != nil {
		return err
	}
	doors, err := s.openDoors(ctx)
	if err != nil {
		return err
	}
	ctx, s.stop = context.WithCancel(ctx)
	defer s.stop()
	return first(
		func() error {
			defer close(s.served)
			defer s.stop()
			return doors.serve(ctx)
		},
		func() error {
			defer s.stop()
			return s.watch(ctx, doors.url())
		},
		func() error {
			s.board.watch(ctx, s.parts)
			return nil
		},
		func() error {
			s.access.Keys.Follow(ctx, tokenInterval, s.changes)
			return nil
		},
	)
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

func (s *service) newSource() (*api.Client, error) {
	d := s.opts.Settings.DingTalk
	client, err := api.New(api.Options{
		BaseURL: d.URL.String(), AppKey: d.AppKey, AppSecret: d.AppSecret.Reveal(), AccessToken: d.AccessToken.Reveal(),
		CorpID: d.CorpID, PageSize: s.opts.Settings.Polling.PageSize, Limiter: &s.limits,
		UserAgent: "rollcall/" + version.String(), Logger: s.log, Oddities: s.odd,
	})
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	return client, nil
}

// watch connects to NATS, opens the stream and looks at meetings until ctx ends.
func (s *service) watch(ctx context.Context, http string) (err error) {
	link, err := s.connect(ctx)
	if err != nil {
		return stopped(ctx, err)
	}
	defer func() { err = errors.Join(err, link.stop()) }()
	stopServing := s.serveReaders(ctx, link.conn)
	defer stopServing()
	pub, err := s.openStore(ctx, link.conn)
	if err != nil {
		return stopped(ctx, err)
	}
	defer s.reads.start(pub)()
	s.assume(pub)
	f, err := s.join(ctx, link.conn)
	if err != nil {
		return stopped(ctx, err)
	}
	p, err := s.newPoller(ctx, storeFor(s.opts.Settings.Events, pub), f)
	if err != nil {
		return err
	}
	js, err := jetstream.New(link.conn)
	if err != nil {
		return err
	}
	titles := s.opts.Settings.Events.TitlesShown()
	at := Addresses{HTTP: http, NATS: link.url}
	if s.opts.Opened != nil {
		if err := s.opts.Opened(at); err != nil {
			return stopped(ctx, err)
		}
	}
	pseudonym, guest := s.renames()
	s.gate.open(parts{
		sealingKeys: &sealingKeys{store: pub},
		Feed:        feed.New(feed.Options{Stream: feed.Stored(js, s.changes)}),
		poller:      p, store: pub, stored: publisher.NewSurvey(pub, asStored(titles)), conn: link.conn, fleet: f,
		peers: peers.New(link.conn, peers.Options{Name: owner(), Shards: f.shards, Watched: p, Logger: s.log}),
		js:    js,
		past:  ended.New(js, ended.Options{Retention: s.opts.Settings.Events.Retention}),
		disk:  s.disk, titles: titles,
		expiry: s.newExpiry(ctx, pub, f), audit: s.newAuditing(ctx, js, pub, f),
		pseudonym: pseudonym, guest: guest,
		forgetting: &forgetting{
			eraser: &forget.Eraser{Publisher: pub, JetStream: js, Foreign: s.opts.Settings.NATS.External()}, mine: f.shards.Owns,
			report: untilStop{ctx, explained{&s.refusals, s.changes}},
		},
	})
	return s.poll(ctx, pub, s.gate.behind(), f, at)
}

// stopped makes nothing of an error that only says that ctx has ended.
func stopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}
