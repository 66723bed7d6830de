package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/logging"
	"github.com/c4342123/rollcall/internal/natsconn"
	"github.com/c4342123/rollcall/internal/service"
	"github.com/c4342123/rollcall/internal/simulator"
)

// What the demo uses where its settings were left alone: it has the simulated DingTalk for itself, and somebody watches.
const (
	demoMinInterval = 250 * time.Millisecond
	demoMaxInterval = time.Second
	demoDiscovery   = time.Second
	demoRate        = 20
)

type demo struct {
	config.Demo
	For     time.Duration `placeholder:"TIME" default:"0" help:"End after this time; 0 = run until interrupted."`
	DataDir string        `placeholder:"DIR" help:"Keep the data here; without it the data is gone when the demo ends."`
	Speed   float64       `placeholder:"N" default:"1" help:"Times faster than life."`
	Seed    int64         `placeholder:"N" default:"0" help:"What chance depends on; 0 = as the demo's scenario says."`
}

// Run shows everything on this machine.
func (c *demo) Run(ctx context.Context, call *config.Invocation) error {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	sim, err := simulator.New(simulator.Options{Seed: uint64(c.Seed), Speed: c.Speed})
	if err != nil {
		return &config.UsageError{Err: err}
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("cannot listen for the simulated DingTalk: %w", err)
	}
	settings, err := c.settings(call, sim.Settings(), ln.Addr())
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	if c.DataDir == "" {
		defer func() { _ = os.RemoveAll(settings.Store.DataDir) }()
	}
	return c.play(ctx, call, sim, ln, settings)
}

// play runs the simulated DingTalk and the service side by side, and prints events once both answer.
func (c *demo) play(ctx context.Context, call *config.Invocation, sim *simulator.Simulator, ln net.Listener, settings config.Settings) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	start := func(part func() error) {
		parts.Go(func() {
			if err := part(); err != nil {
				cancel(err)
			}
		})
	}
	logger := c.logger(call)
	start(func() error { return sim.Serve(ctx, ln) })
	start(func() error {
		return service.Run(ctx, service.Options{
			Settings: settings, LookupEnv: call.LookupEnv, Logger: logger,
			Ready: func(at service.Addresses) {
				start(func() error { return c.show(ctx, call, settings, at, ln.Addr()) })
			},
		})
	})
	parts.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// logger logs as the settings say, but keeps what is no trouble from the events on the terminal.
func (c *demo) logger(call *config.Invocation) *slog.Logger {
	if call.Origin("log-level").Level == config.Default {
		c.Logging.Level = slog.LevelWarn
	}
	return logging.New(call.Stderr, c.Logging)
}

// show says where everything is and prints the events.
func (c *demo) show(ctx context.Context, call *config.Invocation, settings config.Settings, at service.Addresses, sim net.Addr) error {
	nc, err := natsconn.Connect(ctx, settings.NATS, natsconn.Options{
		Name: "rollcall-demo", Embedded: config.Address(natsHost(at.NATS)), LookupEnv: call.LookupEnv,
	})
	if err != nil {
		return err
	}
	defer nc.Close()
	_, err = fmt.Fprintf(call.Stdout, "Rollcall is running, with a simulated DingTalk. Ctrl-C ends it.\n\n"+
		"  page       not in this version; the same from the API\n"+
		"  API        %s/v1/meetings\n"+
		"  NATS       %s   (nats sub -s %[2]s 'conference.member.*')\n"+
		"  DingTalk   http://%s, simulated; what really happens: /_sim/truth\n\n", at.HTTP, at.NATS, sim)
	if err != nil {
		return err
	}
	return printLines(ctx, nc, "", call)
}

func natsHost(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// settings are those of the service that the demo runs: it reaches nothing but this machine.
func (c *demo) settings(call *config.Invocation, sim simulator.Settings, api net.Addr) (config.Settings, error) {
	dir := c.DataDir
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "rollcall-demo-"); err != nil {
			return config.Settings{}, fmt.Errorf("cannot make a directory for the data: %w", err)
		}
	}
	polling := c.Polling
	unset(call, "poll-min-interval", &polling.MinInterval, demoMinInterval)
	unset(call, "poll-max-interval", &polling.MaxInterval, max(demoMaxInterval, polling.MinInterval))
	unset(call, "discovery-interval", &polling.DiscoveryInterval, demoDiscovery)
	http, embedded := c.HTTP, c.Embedded
	if call.Origin("listen").Level == config.Default {
		http.Listen = freeOr(http.Listen)
	}
	if call.Origin("embedded-listen").Level == config.Default {
		embedded.Listen = freeOr(embedded.Listen)
	}
	return config.Settings{
		DingTalk: config.DingTalk{
			URL: &url.URL{Scheme: "http", Host: api.String()}, AppKey: sim.AppKey, AppSecret: config.Secret(sim.AppSecret),
			CorpID: sim.CorpID, Rate: demoRate,
		},
		Embedded: embedded, Store: config.Store{Replicas: 1, DataDir: dir}, HTTP: http, Polling: polling,
		Events: c.Events, Logging: c.Logging,
	}, nil
}

// unset gives a setting that nobody has set the demo's own value.
func unset(call *config.Invocation, name string, setting *time.Duration, value time.Duration) {
	if call.Origin(name).Level == config.Default {
		*setting = value
	}
}

// freeOr returns the address or, when something else listens there, any free port of this machine: a demo should not
// fail because a NATS server is running.
func freeOr(address config.Address) config.Address {
	ln, err := net.Listen("tcp", string(address))
	if err != nil {
		return "127.0.0.1:0"
	}
	_ = ln.Close()
	return address
}
