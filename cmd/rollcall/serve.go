package main

import (
	"context"
	"runtime/debug"
	"slices"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/service"
)

// gcPercent is how much the heap may grow between two collections, unless GOGC says otherwise. A
// service that watches 100,000 quiet meetings makes little garbage, so collecting twice as often as
// usual costs nothing, and saves a fifth of the memory.
const gcPercent = 50

type serve struct {
	config.Settings
	PrivacySwitch bool `help:"Go on with another privacy or privacy-key than what is stored was made with; stop all other replicas first."`
}

// Run runs the service until it is told to stop.
func (c *serve) Run(ctx context.Context, call *config.Invocation) error {
	if err := c.DingTalk.RequireLogin(); err != nil {
		return err
	}
	if err := c.HTTP.CheckToken(c.Pushes); err != nil {
		return err
	}
	if err := call.CheckProxy(); err != nil {
		return err
	}
	if _, set := call.LookupEnv("GOGC"); !set {
		debug.SetGCPercent(gcPercent)
	}
	c.DingTalk.EditionAssumed = call.Assumed("dingtalk-edition")
	logger := newLogger(call, c.Logging)
	for _, caution := range slices.Concat(call.Cautions, c.Cautions(), conn.Cautions(c.NATS, call.LookupEnv)) {
		logger.Warn("take care", "what", caution.Text, "remedy", caution.Remedy)
	}
	return service.Run(ctx, service.Options{
		Settings: c.Settings, PrivacySwitch: c.PrivacySwitch, LookupEnv: call.LookupEnv, Logger: logger,
		Opened: func(service.Addresses) error {
			if !c.HTTP.TokenSet() {
				logger.Warn("no API token is set: every program on this machine may use API and page, and so may everybody whom a reverse " +
					"proxy lets in that leaves no trace of itself; set ROLLCALL_API_TOKEN, or ROLLCALL_API_TOKENS")
			}
			return nil
		},
	})
}
