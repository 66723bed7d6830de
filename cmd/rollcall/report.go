package main

import (
	"context"
	"time"
	_ "time/tzdata" // --zone works where the machine has no time zones, as a minimal container

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/stored/report"
)

type reportCommand struct {
	config.Client
	Meeting string `arg:"" help:"The meeting's conferenceId."`
	Format  string `placeholder:"FORMAT" help:"table, json, csv, svg or html; without it a table on a terminal, else json."`
	Zone    string `placeholder:"NAME" help:"Time zone of the times that people read, such as Asia/Shanghai or UTC; without it that of this machine."`
}

// Run prints who attended the meeting, as far as its events are stored.
func (c *reportCommand) Run(ctx context.Context, call *config.Invocation) error {
	if err := events.CheckConferenceID(c.Meeting); err != nil {
		return config.Usagef("", "%w", err)
	}
	format, err := c.format(call)
	if err != nil {
		return config.Usagef("format", "%w", err)
	}
	zone := time.Local
	if c.Zone != "" {
		if zone, err = time.LoadLocation(c.Zone); err != nil {
			return config.Usagef("zone", "%w", err)
		}
	}
	js, err := openClient(ctx, call, c.Client, "rollcall-report", newLogger(call, c.Logging))
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer js.Conn().Close()
	r, err := report.Of(ctx, js, c.Meeting)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	r.Style = report.Style{Location: zone, Color: colored(call)}
	return unlessUnread(r.Write(call.Stdout, format))
}

func (c *reportCommand) format(call *config.Invocation) (report.Format, error) {
	switch {
	case c.Format != "":
		return report.ParseFormat(c.Format)
	case logging.IsTerminal(call.Stdout):
		return report.Table, nil
	default:
		return report.JSON, nil
	}
}
