package main

import (
	"fmt"
	"net"
	"net/url"
	"time"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator"
)

// What the demo uses where its settings were left alone: it has the simulated DingTalk for itself, and somebody watches.
const (
	demoMinInterval = 250 * time.Millisecond
	demoMaxInterval = time.Second
	demoDiscovery   = time.Second
	demoRate        = 20
)

// Help is shown with the help of the command.
func (c *demo) Help() string {
	return fmt.Sprintf("What is left alone fits a demo: a meeting is looked at every %v to %v, meetings are listed every %v, only trouble "+
		"is logged, and where the usual ports are taken others are used. No setting leads it to another machine.\n\n%s",
		demoMinInterval, demoMaxInterval, demoDiscovery, c.Demo.Help())
}

// settings are those of the service that the demo runs: it reaches nothing but this machine.
func (c *demo) settings(call *config.Invocation, sim simulator.Settings, api net.Addr, dir string) config.Settings {
	polling := c.Polling
	unset(call, "poll-min-interval", &polling.MinInterval, min(demoMinInterval, polling.MaxInterval))
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
	}
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
