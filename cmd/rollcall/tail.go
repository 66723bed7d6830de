package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/face/terminal"
)

type tail struct {
	config.Client
	JSON    bool   `name:"json" help:"Print every event as one line of JSON, as it is stored."`
	Meeting string `placeholder:"ID" help:"Only this meeting, by its conferenceId."`
	From    string `placeholder:"WHEN" help:"Begin with what was stored since: 10m ago, at a time such as 09:30 or 2026-08-03T09:30, or from the start."`
}

// start is the word for the beginning of the stream.
const start = "start"

// Run prints events as they happen, until it is told to stop or nobody reads them any more.
func (c *tail) Run(ctx context.Context, call *config.Invocation) error {
	if err := checkMeeting(c.Meeting); err != nil {
		return err
	}
	from, err := c.from(time.Now())
	if err != nil {
		return err
	}
	logger := newLogger(call, c.Logging)
	js, err := openClient(ctx, call, c.Client, "rollcall-tail", logger)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer js.Conn().Close()
	follower, err := terminal.Open(ctx, js.Conn(), terminal.Options{
		Meeting: c.Meeting, From: from, Reporter: logging.NewChanges(logger, logging.ChangesOptions{}),
	})
	if err != nil {
		return unlessStopped(ctx, err)
	}
	if err := c.sayIfUnknown(ctx, js, call.Stderr); err != nil {
		return unlessStopped(ctx, err)
	}
	if c.JSON {
		return unlessUnread(follower.Run(ctx, func(payload []byte) error { return printJSON(call, payload) }))
	}
	return unlessUnread(printLines(ctx, follower, call))
}

// sayIfUnknown says that no event of the meeting is stored: its id may be mistyped, or it is yet to
// begin.
func (c *tail) sayIfUnknown(ctx context.Context, js jetstream.JetStream, stderr io.Writer) error {
	if c.Meeting == "" {
		return nil
	}
	stream, err := js.Stream(ctx, events.Stream)
	if err != nil {
		return err
	}
	info, err := stream.Info(ctx, jetstream.WithSubjectFilter(events.OfMeeting(c.Meeting)))
	if err != nil || len(info.State.Subjects) > 0 {
		return err
	}
	_, err = fmt.Fprintf(stderr, "There is no meeting %s yet: nothing is stored of it. Waiting for it.\n", c.Meeting)
	return err
}

// from is since when stored events come first; the zero time when none do.
func (c *tail) from(now time.Time) (time.Time, error) {
	switch c.From {
	case "":
		return time.Time{}, nil
	case start:
		return time.UnixMilli(0), nil
	}
	from, err := parseMoment(c.From, now)
	if err != nil {
		return time.Time{}, config.Usagef("from", "%w, nor %q", err, start)
	}
	return from, nil
}

// checkMeeting refuses what is no conferenceId; none at all is fine.
func checkMeeting(id string) error {
	if id == "" {
		return nil
	}
	if err := events.CheckConferenceID(id); err != nil {
		return config.Usagef("meeting", "%w", err)
	}
	return nil
}

// unlessStopped returns nil once ctx has ended: a command that was told to stop has not failed.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// printJSON prints an event as it is stored. On a terminal, what a person typed into a nickname
// must not act on it.
func printJSON(call *config.Invocation, payload []byte) error {
	if logging.IsTerminal(call.Stdout) {
		payload = plaintext.Escaped(payload)
	}
	_, err := fmt.Fprintf(call.Stdout, "%s\n", payload)
	return err
}

// maxComplaint is how much is printed of what is wrong with a message, in characters.
const maxComplaint = 300

// printLines prints events as lines that a person reads, until ctx ends.
func printLines(ctx context.Context, follower *terminal.Follower, call *config.Invocation) error {
	lines := terminal.Lines{Color: colored(call), Location: time.Local}
	if _, err := fmt.Fprintln(call.Stdout, lines.Header()); err != nil {
		return err
	}
	day := lines.Day(time.Now())
	return follower.Run(ctx, func(payload []byte) error {
		e, err := events.Decode(payload)
		if err != nil { // not an event of ours, but the next message may be one
			_, _ = fmt.Fprintln(call.Stderr, plaintext.Clean(err.Error(), maxComplaint))
			return nil
		}
		text := lines.Line(e)
		if of := lines.Day(e.Time); of != day { // the lines have no dates
			day, text = of, of+"\n"+text
		}
		_, err = fmt.Fprintln(call.Stdout, text)
		return err
	})
}

// colored tells whether stdout is a terminal and NO_COLOR is not set.
func colored(call *config.Invocation) bool {
	if value, set := call.LookupEnv("NO_COLOR"); set && value != "" {
		return false
	}
	return logging.IsTerminal(call.Stdout)
}
