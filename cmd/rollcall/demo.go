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
	"github.com/c4342123/rollcall/internal/face/terminal"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/service"
	"github.com/c4342123/rollcall/internal/simulator"
)

// demo is the command that shows everything on one machine.
type demo struct {
	config.Demo
	For     time.Duration `placeholder:"TIME" default:"0" help:"End after this time; 0 = run until interrupted."`
	DataDir string        `placeholder:"DIR" help:"Keep the data here; without it the data is gone when the demo ends."`
	Speed   float64       `placeholder:"N" default:"1" help:"Times faster than life."`
	Seed    int64         `placeholder:"N" default:"0" help:"What chance depends on; 0 = as the demo's scenario says."`
}

// Run shows everything on this machine, until it is told to stop, its time is over or nobody reads
// the events any more.
func (c *demo) Run(ctx context.Context, call *config.Invocation) (err error) {
	if c.For > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.For)
		defer cancel()
	}
	if c.HTTP.Listen, c.Embedded.Listen, err = c.addresses(call); err != nil {
		return err
	}
	keys := demoKeys(simulator.DefaultAppKey)
	if err := c.HTTP.CheckToken(keys); err != nil {
		return err
	}
	sim, err := newSimulator(pushing(simulator.Options{Seed: uint64(c.Seed), Speed: c.Speed}, keys))
	if err != nil {
		return err
	}
	dir := c.DataDir
	if dir == "" {
		if dir, err = os.MkdirTemp("", conn.DemoDirs); err != nil {
			return fmt.Errorf("cannot make a directory for the data: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	ln, err := listenSimulated(ctx)
	if err != nil {
		return unlessStopped(ctx, fmt.Errorf("cannot listen for the simulated DingTalk: %w", err))
	}
	return c.play(ctx, call, sim, ln, c.settings(call, sim.Settings(), ln.Addr(), dir, keys))
}

// play runs the simulated DingTalk, the service and the printing of events side by side. The first
// that ends ends them all, and its error is returned.
func (c *demo) play(ctx context.Context, call *config.Invocation, sim *simulator.Simulator, ln net.Listener, settings config.Settings) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var parts sync.WaitGroup
	var once sync.Once
	var failed error
	start := func(part func() error) {
		parts.Go(func() {
			defer stop()
			if err := unlessUnread(part()); err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	// The simulated DingTalk outlives the service, which would log that it is gone.
	simulated, end := context.WithCancel(context.WithoutCancel(ctx))
	start(func() error { return sim.Serve(simulated, ln) })
	start(func() error {
		defer end()
		return service.Run(ctx, service.Options{
			Settings: settings, LookupEnv: call.LookupEnv, Logger: c.logger(call),
			Opened: func(at service.Addresses) error {
				shown, err := c.show(ctx, call, settings, at, ln.Addr())
				if err == nil {
					start(shown)
				}
				return err
			},
		})
	})
	parts.Wait()
	return failed
}

// logger logs as the settings say, but keeps what is no trouble from the events on the terminal.
func (c *demo) logger(call *config.Invocation) *slog.Logger {
	if call.Origin("log-level").Level == config.Default {
		c.Logging.Level = slog.LevelWarn
	}
	return newLogger(call, c.Logging)
}

// show says where everything is. It returns what prints the events: every one from now on.
func (c *demo) show(ctx context.Context, call *config.Invocation, settings config.Settings, at service.Addresses, sim net.Addr) (func() error, error) {
	server, err := url.Parse(at.NATS)
	if err != nil {
		return nil, err
	}
	nc, err := conn.Connect(ctx, settings.NATS, conn.Options{
		Name: "rollcall-demo", Embedded: config.Address(server.Host), LookupEnv: call.LookupEnv,
	})
	if err != nil {
		return nil, err
	}
	follower, err := terminal.Open(ctx, nc, terminal.Options{})
	if err == nil {
		_, err = fmt.Fprintf(call.Stdout, "Rollcall is running, with a simulated DingTalk. Ctrl-C ends it.\n\n"+
			"  page       %s/%s\n"+
			"  API        %[1]s/v1/meetings%[2]s\n"+
			"  NATS       %[3]s   (nats sub -s %[3]s 'conference.member.*')\n"+
			"  DingTalk   http://%[4]s, simulated; what really happens: http://%[4]s/_sim/truth\n\n",
			at.HTTP, c.tokenNote(), at.NATS, sim)
	}
	if err != nil {
		nc.Close()
		return nil, err
	}
	return func() error {
		defer nc.Close()
		return printLines(ctx, follower, call)
	}, nil
}

func (c *demo) tokenNote() string {
	if c.HTTP.APIToken == "" {
		return ""
	}
	return "   (with the API token)"
}
