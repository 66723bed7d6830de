package main

import (
	"context"
	"fmt"
	"time"

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

// Run prints events as they happen, until it is told to stop or nobody reads them any more.
func (c *tail) Run(ctx context.Context, call *config.Invocation) error {
	if c.Meeting != "" {
		if err := events.CheckConferenceID(c.Meeting); err != nil {
			return config.Usagef("meeting", "%w", err)
		}
	}
	logger := newLogger(call, c.Logging)
	nc, err := natsconn.Connect(ctx, c.NATS, natsconn.Options{
		Name: "rollcall-tail", Embedded: c.Embedded.Listen, LookupEnv: call.LookupEnv, Logger: logger,
	})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer nc.Close()
	follower, err := live.Open(ctx, nc, live.Options{
		Meeting: c.Meeting, Reporter: logging.NewChanges(logger, logging.ChangesOptions{}),
	})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if c.JSON {
		return unlessUnread(follower.Run(ctx, func(payload []byte) error { return printJSON(call, payload) }))
	}
	return unlessUnread(printLines(ctx, follower, call))
}

// unlessStopped makes nothing of an error that only says that ctx has ended.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// printJSON prints an event as it is stored. On a terminal, what a person typed into a nickname must not act on it.
func printJSON(call *config.Invocation, payload []byte) error {
	if logging.IsTerminal(call.Stdout) {
		payload = live.Escaped(payload)
	}
	_, err := fmt.Fprintf(call.Stdout, "%s\n", payload)
	return err
}

// maxComplaint is how much is printed of what is wrong with a message, in characters.
const maxComplaint = 300

// printLines prints events as lines that a person reads, until ctx ends.
func printLines(ctx context.Context, follower *live.Follower, call *config.Invocation) error {
	lines := live.Lines{Color: colored(call), Location: time.Local}
	if _, err := fmt.Fprintln(call.Stdout, lines.Header()); err != nil {
		return err
	}
	return follower.Run(ctx, func(payload []byte) error {
		e, err := events.Decode(payload)
		if err != nil { // somebody else's message: the next may be ours again
			_, _ = fmt.Fprintln(call.Stderr, live.Clean(err.Error(), maxComplaint))
			return nil
		}
		_, err = fmt.Fprintln(call.Stdout, lines.Line(e))
		return err
	})
}

// colored tells whether stdout is a terminal whose owner has nothing against colours.
func colored(call *config.Invocation) bool {
	if value, set := call.LookupEnv("NO_COLOR"); set && value != "" {
		return false
	}
	return logging.IsTerminal(call.Stdout)
}
