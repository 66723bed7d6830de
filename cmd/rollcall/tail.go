package main

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/live"
	"github.com/c4342123/rollcall/internal/logging"
	"github.com/c4342123/rollcall/internal/natsconn"
)

type tail struct {
	config.Client
	JSON    bool   `name:"json" help:"Print every event as one line of JSON, as it is stored."`
	Meeting string `placeholder:"ID" help:"Only this meeting, by its conferenceId."`
}

// Run prints events as they happen, until it is told to stop.
func (c *tail) Run(ctx context.Context, call *config.Invocation) error {
	if c.Meeting != "" {
		if err := events.CheckConferenceID(c.Meeting); err != nil {
			return config.Usagef("meeting", "%w", err)
		}
	}
	nc, err := natsconn.Connect(ctx, c.NATS, natsconn.Options{
		Name: "rollcall-tail", Embedded: c.Embedded.Listen, LookupEnv: call.LookupEnv,
		Logger: logging.New(call.Stderr, c.Logging),
	})
	if err != nil {
		return err
	}
	defer nc.Close()
	if c.JSON {
		return live.Follow(ctx, nc, c.Meeting, func(payload []byte) error {
			_, err := fmt.Fprintf(call.Stdout, "%s\n", payload)
			return err
		})
	}
	return printLines(ctx, nc, c.Meeting, call)
}

// printLines prints events as lines that a person reads, until ctx ends.
func printLines(ctx context.Context, nc *nats.Conn, meeting string, call *config.Invocation) error {
	lines := live.Lines{Color: colored(call), Location: time.Local}
	if _, err := fmt.Fprintln(call.Stdout, lines.Header()); err != nil {
		return err
	}
	return live.Follow(ctx, nc, meeting, func(payload []byte) error {
		e, err := events.Decode(payload)
		if err != nil {
			_, err = fmt.Fprintln(call.Stderr, err)
			return err
		}
		_, err = fmt.Fprintln(call.Stdout, lines.Line(e))
		return err
	})
}

// colored tells whether stdout is a terminal whose owner has nothing against colours.
func colored(call *config.Invocation) bool {
	if _, set := call.LookupEnv("NO_COLOR"); set {
		return false
	}
	return logging.IsTerminal(call.Stdout)
}
