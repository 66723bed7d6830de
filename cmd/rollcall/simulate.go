package main

import (
	"context"
	"fmt"
	"net"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/logging"
	"github.com/c4342123/rollcall/internal/simulator"
)

type simulate struct {
	Listen   config.Address `placeholder:"ADDR" default:"127.0.0.1:8090" help:"Where the simulated API is served."`
	Scenario string         `placeholder:"FILE" help:"YAML file that says who does what; without one the demo is played."`
	Seed     int64          `placeholder:"N" default:"0" help:"What chance depends on; 0 = as the scenario says."`
	Speed    float64        `placeholder:"N" default:"0" help:"Times faster than the scenario says; 0 = as it says."`
	Truth    bool           `help:"Print who was there and when, instead of serving, and end."`
	Logging  config.Logging `embed:"" prefix:"log-" group:"Logging"`
}

// Run serves the simulated DingTalk until it is told to stop.
func (c *simulate) Run(ctx context.Context, call *config.Invocation) error {
	sim, err := c.simulator(call)
	if err != nil {
		return err
	}
	if c.Truth {
		return sim.Truth().WriteText(call.Stdout)
	}
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", string(c.Listen))
	if err != nil {
		return fmt.Errorf("cannot listen: %w", err)
	}
	settings := sim.Settings()
	_, err = fmt.Fprintf(call.Stdout, "DingTalk is simulated at http://%s, control API below /_sim/.\n"+
		"Let the service use it:\n\n"+
		"  ROLLCALL_DINGTALK_URL=http://%[1]s ROLLCALL_DINGTALK_APP_KEY=%s ROLLCALL_DINGTALK_APP_SECRET=%s rollcall serve\n\n",
		ln.Addr(), settings.AppKey, settings.AppSecret)
	if err != nil {
		return err
	}
	return sim.Serve(ctx, ln)
}

func (c *simulate) simulator(call *config.Invocation) (*simulator.Simulator, error) {
	opts := simulator.Options{Seed: uint64(c.Seed), Speed: c.Speed, Logger: logging.New(call.Stderr, c.Logging)}
	if c.Scenario != "" {
		scenario, err := simulator.LoadScenario(c.Scenario)
		if err != nil {
			return nil, config.Usagef("scenario", "%w", err)
		}
		opts.Scenario = scenario
	}
	sim, err := simulator.New(opts)
	if err != nil {
		return nil, &config.UsageError{Err: err}
	}
	return sim, nil
}
