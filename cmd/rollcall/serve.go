package main

import (
	"context"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/service"
)

type serve struct {
	config.Settings
}

// Run runs the service until it is told to stop.
func (c *serve) Run(ctx context.Context, call *config.Invocation) error {
	if err := c.DingTalk.RequireLogin(); err != nil {
		return err
	}
	logger := newLogger(call, c.Logging)
	return service.Run(ctx, service.Options{Settings: c.Settings, LookupEnv: call.LookupEnv, Logger: logger})
}
