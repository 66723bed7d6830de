package main

import (
	"context"
	"errors"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/bot"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/publisher"
)

// botCommand is the command that tells group robots.
type botCommand struct {
	config.Client
	Bot config.Bot `embed:"" group:"Bot"`
}

// Help is shown with the help of the command.
func (c *botCommand) Help() string {
	return `The rules file is YAML:

    language: en                  # or zh
    timezone: Asia/Shanghai       # the machine's when left out
    batch: 3s                     # how long more is waited for
    max_age: 72h                  # older events are not told; 0 = any
    robots:
      office:
        token_file: /etc/rollcall/office-token   # or token, token_env
        secret_env: OFFICE_SECRET                # or secret, secret_file
        quiet_hours: [{from: "22:00", to: "07:30"}]
        in_quiet_hours: hold      # or drop
        digest: auto              # or always, never: one message a meeting
    rules:
      - robots: [office]
        meetings: {titles: ["Weekly*", "!*1:1*"]}   # ids, titles
        people: {guests: only}                      # ids, names, guests
        tell: [joined, left, kicked]                # joined when left out
        initial: true     # also who was there when watching began

Every event is told once, whatever fails or restarts, with at most 20 messages a minute. A robot that is new is told ` +
		`what happens from then on. Several bots share the work: one of them tells a robot. How far robots are behind: ` +
		"nats consumer ls CONFERENCE.\n\n" + c.Client.Help()
}

// Run tells the robots until it is told to stop.
func (c *botCommand) Run(ctx context.Context, call *config.Invocation) error {
	if err := call.CheckProxy(); err != nil {
		return err
	}
	rules, err := bot.Load(c.Bot.Rules, call.LookupEnv)
	if err != nil {
		return config.Usagef("bot-rules", "%w", err)
	}
	logger := newLogger(call, c.Logging)
	nc, err := conn.Connect(ctx, c.NATS, conn.Options{
		Name: "rollcall-bot", Embedded: c.Embedded.Listen, DataDir: c.DataDir, LookupEnv: call.LookupEnv, Logger: logger, Retry: true,
	})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer nc.Close()
	if err := conn.Writer(ctx, nc, c.NATS); err != nil {
		return err
	}
	if err := publisher.CheckServer(nc); errors.Is(err, publisher.ErrServerTooOld) {
		return err
	}
	return bot.Run(ctx, nc, bot.Options{Rules: rules, Logger: logger})
}
