package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/simulator"
)

type simulate struct {
	Listen   config.Address `placeholder:"ADDR" default:"127.0.0.1:8090" help:"Where the simulated API is served."`
	Scenario string         `placeholder:"FILE" help:"YAML file that says who does what; without one the demo is played."`
	Seed     int64          `placeholder:"N" default:"0" help:"What chance depends on; 0 = as the scenario says."`
	Speed    float64        `placeholder:"N" default:"0" help:"Times faster than the scenario says; 0 = as it says."`
	Truth    time.Duration  `placeholder:"TIME" default:"0" help:"Print who is there in the first TIME, instead of serving, and end."`
	Logging  config.Logging `embed:"" prefix:"log-" group:"Logging"`
}

// Run serves the simulated DingTalk until it is told to stop.
func (c *simulate) Run(ctx context.Context, call *config.Invocation) error {
	opts := simulator.Options{Seed: uint64(c.Seed), Speed: c.Speed, Logger: newLogger(call, c.Logging)}
	if c.Scenario != "" {
		scenario, err := simulator.LoadScenario(c.Scenario)
		if err != nil {
			return config.Usagef("scenario", "%w", err)
		}
		opts.Scenario = scenario
	}
	if c.Truth > 0 {
		return c.print(call, opts)
	}
	if c.Scenario == "" {
		keys := demoKeys(simulator.DefaultAppKey)
		keys.WebhookListen = freeOr(usualWebhook)
		opts.Settings.Push = pushSettings(keys)
	}
	sim, err := newSimulator(opts)
	if err != nil {
		return err
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", string(c.Listen))
	if err != nil {
		return unlessStopped(ctx, fmt.Errorf("cannot serve the simulated DingTalk (--listen): %w", err))
	}
	settings := sim.Settings()
	_, err = fmt.Fprintf(call.Stdout, "DingTalk is simulated at http://%s, control API below /_sim/.\n"+
		"Let the service use it:\n\n"+
		"  ROLLCALL_DINGTALK_URL=http://%[1]s ROLLCALL_DINGTALK_APP_KEY=%s ROLLCALL_DINGTALK_APP_SECRET=%s "+
		"ROLLCALL_DINGTALK_MONTHLY_CALLS=0 ROLLCALL_DINGTALK_MONTHLY_PUSHES=0 %[6]srollcall serve\n\n"+
		"A group robot for rollcall bot: url http://%[1]s, token %[4]s, secret %[5]s; what it says: http://%[1]s/_sim/robots\n\n",
		ln.Addr(), settings.AppKey, settings.AppSecret, settings.Robots[0].Token, settings.Robots[0].Secret, callbackSettings(settings.Push))
	if err != nil {
		_ = ln.Close()
		return unlessUnread(err)
	}
	return sim.Serve(ctx, ln)
}

// callbackSettings are those by which the service receives the pushes of a scenario that has any:
// where nothing else listens, so that API and page stay where they are. It is empty for the others.
func callbackSettings(p simulator.PushSettings) string {
	at, err := url.Parse(p.URL)
	if p.URL == "" || err != nil {
		return ""
	}
	port := cmp.Or(at.Port(), "80")
	out := fmt.Sprintf("ROLLCALL_WEBHOOK_TOKEN=%s ROLLCALL_WEBHOOK_AES_KEY=%s ROLLCALL_WEBHOOK_OWNER_KEY=%s ROLLCALL_WEBHOOK_LISTEN=%s ",
		p.Token, p.AESKey, p.OwnerKey, net.JoinHostPort(at.Hostname(), port))
	if port == usualPort {
		out += "ROLLCALL_LISTEN=127.0.0.1:8081 "
	}
	return out
}

const (
	// usualPort is that of API and page where nothing else is set.
	usualPort = "8080"
	// usualWebhook is where the simulated DingTalk pushes when it plays the demo's scenario.
	usualWebhook = "127.0.0.1:8082"
)

// print says what the scenario makes happen, as if its time had gone by already.
func (c *simulate) print(call *config.Invocation, opts simulator.Options) error {
	opts.Start = time.Now()
	opts.Now = func() time.Time { return opts.Start.Add(c.Truth) }
	sim, err := newSimulator(opts)
	if err != nil {
		return err
	}
	_, err = io.WriteString(call.Stdout, sim.Truth().String())
	return unlessUnread(err)
}

// newSimulator makes a simulator. What it refuses is wrong usage.
func newSimulator(opts simulator.Options) (*simulator.Simulator, error) {
	opts.NewCipher = func(token, aesKey, ownerKey string) (simulator.Cipher, error) {
		return callback.NewCipher(callback.Keys{Token: token, AESKey: aesKey, OwnerKey: ownerKey})
	}
	sim, err := simulator.New(opts)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	return sim, nil
}
