package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// What the demo uses where settings are left alone. It looks less often than it could, so that
// pushes come before looks.
const (
	demoMinInterval = time.Second
	demoMaxInterval = 5 * time.Second
	demoDiscovery   = 2 * time.Second
	demoRate        = 20
	// demoCheckpoints is short enough for a log to be proven while the demo runs.
	demoCheckpoints = 5 * time.Second
	// demoStart is how long after the demo the meetings begin: until then nobody would hear the
	// first push.
	demoStart = 500 * time.Millisecond
	// demoLost is the share of the pushes that the simulated DingTalk loses: what they said is
	// found by looking.
	demoLost = 0.2
)

// Help is shown with the help of the command.
func (c *demo) Help() string {
	return fmt.Sprintf("What is left alone fits a demo: a meeting is looked at every %v to %v, meetings are listed every %v, checkpoints "+
		"are signed every %v, only trouble is logged, and where the usual ports are taken others are used. No setting leads it to another machine.\n\n%s",
		demoMinInterval, demoMaxInterval, demoDiscovery, demoCheckpoints, c.Demo.Help())
}

// demoKeys are shared by the simulated DingTalk and the service that runs beside it, and by nobody
// else.
func demoKeys(owner string) config.Pushes {
	return config.Pushes{
		WebhookToken:    config.Secret(rand.Text()),
		WebhookAESKey:   config.Secret(rand.Text() + rand.Text())[:43],
		WebhookOwnerKey: owner,
		WebhookListen:   freeOr("127.0.0.1:0"), // apart from API and page, as it should be in earnest
		WebhookWindow:   time.Hour,
	}
}

// addresses are where the demo listens. They are known before anything runs, as the simulated
// DingTalk has to know where to push.
func (c *demo) addresses(call *config.Invocation) (http, embedded config.Address, err error) {
	http, embedded = c.HTTP.Listen, c.Embedded.Listen
	if _, port := split(http); port == "0" || call.Origin("listen").Level == config.Default {
		http = freeOr(http)
	}
	if call.Origin("embedded-listen").Level == config.Default {
		embedded = freeOr(embedded)
	}
	return http, embedded, errors.Join(sayIfTaken(call, "listen", c.HTTP.Listen, http), sayIfTaken(call, "embedded-listen", c.Embedded.Listen, embedded))
}

// sayIfTaken says which address is used in place of the usual one.
func sayIfTaken(call *config.Invocation, setting string, usual, used config.Address) error {
	if _, port := split(usual); port == "0" || used == usual {
		return nil
	}
	_, err := fmt.Fprintf(call.Stderr, "%s is in use by another program, so it is %s instead; --%s names an address of your choice.\n", usual, used, setting)
	return err
}

// split splits a valid address into host and port.
func split(address config.Address) (host, port string) {
	host, port, _ = net.SplitHostPort(string(address))
	return host, port
}

// pushSettings are those of a simulated DingTalk that pushes to the listener of the callback.
func pushSettings(keys config.Pushes) simulator.PushSettings {
	return simulator.PushSettings{
		URL: "http://" + string(keys.WebhookListen) + "/webhooks/dingtalk", Token: keys.WebhookToken.Reveal(),
		AESKey: keys.WebhookAESKey.Reveal(), OwnerKey: keys.WebhookOwnerKey,
	}
}

// pushing makes the simulated DingTalk push to the service. It loses some of the pushes.
func pushing(opts simulator.Options, keys config.Pushes) simulator.Options {
	opts.Settings.Push = pushSettings(keys)
	opts.Start = time.Now().Add(demoStart)
	opts.Faults = append(opts.Faults, fault.Fault{Kind: fault.PushLost, Probability: demoLost})
	return opts
}

// settings are those of the service that the demo runs: it reaches nothing but this machine.
func (c *demo) settings(call *config.Invocation, sim simulator.Settings, api net.Addr, dir string, keys config.Pushes) config.Settings {
	polling := c.Polling
	unset(call, "poll-min-interval", &polling.MinInterval, min(demoMinInterval, polling.MaxInterval))
	unset(call, "poll-max-interval", &polling.MaxInterval, max(demoMaxInterval, polling.MinInterval))
	unset(call, "discovery-interval", &polling.DiscoveryInterval, demoDiscovery)
	recorded := c.Events
	unset(call, "checkpoint-interval", &recorded.CheckpointInterval, demoCheckpoints)
	return config.Settings{
		DingTalk: config.DingTalk{
			URL: &url.URL{Scheme: "http", Host: api.String()}, AppKey: sim.AppKey, AppSecret: config.Secret(sim.AppSecret),
			CorpID: sim.CorpID, Rate: demoRate,
		},
		Pushes: keys, Embedded: c.Embedded, Store: config.Store{Replicas: 1, DataDir: dir}, HTTP: c.HTTP, Polling: polling,
		Events: recorded, Logging: c.Logging,
	}
}

// usualSimulated is where the simulated DingTalk is looked for, as simulate serves it there, too.
const usualSimulated = "127.0.0.1:8090"

// listenSimulated listens for the simulated DingTalk at its usual address, or at any when that is
// in use.
func listenSimulated(ctx context.Context) (net.Listener, error) {
	var lc net.ListenConfig
	if ln, err := lc.Listen(ctx, "tcp", usualSimulated); err == nil {
		return ln, nil
	}
	return lc.Listen(ctx, "tcp", "127.0.0.1:0")
}

// unset gives a setting the demo's own value where no flag, variable or file sets it.
func unset(call *config.Invocation, name string, setting *time.Duration, value time.Duration) {
	if call.Origin(name).Level == config.Default {
		*setting = value
	}
}

// freeOr returns the address or, when something else listens there, any free port of this machine:
// a demo should not fail because a NATS server is running.
func freeOr(address config.Address) config.Address {
	for _, try := range []string{string(address), "127.0.0.1:0"} {
		if ln, err := net.Listen("tcp", try); err == nil {
			defer func() { _ = ln.Close() }()
			return config.Address(ln.Addr().String())
		}
	}
	return address
}
