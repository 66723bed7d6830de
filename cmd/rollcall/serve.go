package main

import (
	"context"
	"log/slog"

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
	c.warnUnused(logger)
	return service.Run(ctx, service.Options{Settings: c.Settings, LookupEnv: call.LookupEnv, Logger: logger})
}

// warnUnused says which settings are in force without an effect in this version: nobody should rely on them.
func (c *serve) warnUnused(logger *slog.Logger) {
	for _, unused := range []struct {
		setting string
		set     bool
	}{
		{"dingtalk-monthly-calls", c.DingTalk.MonthlyCalls > 0},
		{"webhook-token", c.Pushes.WebhookEnabled()},
		{"stream-mode", c.Pushes.StreamMode},
	} {
		if unused.set {
			logger.Warn("a setting has no effect in this version", "setting", unused.setting)
		}
	}
}
