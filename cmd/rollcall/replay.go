package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// outage is how long a command that reads what is stored waits for a NATS server that went away.
const outage = 30 * time.Second

type replay struct {
	config.Client
	Since    string   `placeholder:"WHEN" help:"Only what happened then or later: 90m ago, or at a time such as 09:30, 2026-08-03 or 2026-08-03T09:30."`
	Until    string   `placeholder:"WHEN" help:"Only what happened earlier."`
	Meeting  string   `placeholder:"ID" help:"Only this meeting, by its conferenceId."`
	Person   string   `placeholder:"ID" help:"Only this person, by unionId: the subject of the events."`
	Type     []string `placeholder:"TYPE" help:"Only these types, with commas between: joined, left, kicked, started, updated, ended, gap; or conference.member.*."`
	After    int64    `placeholder:"N" default:"0" help:"Only what is stored behind this position of the stream, as an earlier replay has said it."`
	Position bool     `help:"Add to each event its position in the stream, as the attribute streamsequence."`
	Evidence bool     `help:"Write evidence for rollcall verify --offline: whole meetings, as they are stored, with their places in the log. Of all, of one, or of those of which something happened since a time."`
}

// Help is shown with the help of the command.
func (c *replay) Help() string {
	return "Each event is one line of JSON, as it is stored. What --since and --until mean is when it happened, not when it was " +
		"recorded. At the end, and when it is interrupted, the position is said on stderr from which --after goes on.\n\n" + c.Client.Help()
}

// Run prints what is stored at present, in the order of the stream.
func (c *replay) Run(ctx context.Context, call *config.Invocation) error {
	opts, picked, err := c.options(time.Now())
	if err != nil {
		return err
	}
	if c.Evidence {
		if err := c.evidenceAlone(); err != nil {
			return err
		}
	}
	logger := newLogger(call, c.Logging)
	js, err := openClient(ctx, call, c.Client, "rollcall-replay", logger)
	if err != nil {
		return unlessStopped(ctx, err)
	}
	defer js.Conn().Close()
	if c.Evidence {
		return c.proof(ctx, call, js, picked.Since, logging.NewChanges(logger, logging.ChangesOptions{}))
	}
	opts.Patience, opts.Reporter = outage, logging.NewChanges(logger, logging.ChangesOptions{})
	reader, err := reading.Open(ctx, js, opts)
	switch {
	case errors.Is(err, reading.ErrBeyondEnd):
		return config.Usagef("after", "%w", err)
	case err != nil:
		return unlessStopped(ctx, err)
	}
	return c.print(ctx, call, reader, picked)
}

// print prints the events, and says how far it has come.
func (c *replay) print(ctx context.Context, call *config.Invocation, reader *reading.Reader, picked reading.Selection) error {
	out := &jsonLines{w: call.Stdout, position: c.Position, escape: logging.IsTerminal(call.Stdout), done: uint64(c.After)}
	bar := newProgress(progressWriter(call))
	err := reader.Run(ctx, func(m reading.Message) error {
		bar.step(reader.Waiting())
		picks, err := picked.Picks(m.Data)
		if err == nil && picks {
			err = out.add(m)
		} else {
			out.pass(m.Sequence)
		}
		if errors.Is(err, reading.ErrNoEvent) { // not an event of ours, but the next message may be one
			_, _ = fmt.Fprintf(call.Stderr, "message %d of the stream: %s\n", m.Sequence, plaintext.Clean(err.Error(), maxComplaint))
			return nil
		}
		return err
	})
	bar.end()
	if err == nil && ctx.Err() == nil {
		out.pass(reader.End().Sequence)
	}
	if flushed := out.flush(); err == nil {
		err = flushed
	}
	if err != nil && unlessUnread(err) == nil {
		return nil // how much was read before the pipe was closed is not known
	}
	_, _ = fmt.Fprintf(call.Stderr, "rollcall: %d events, up to position %d of the stream; --after=%[2]d goes on from there\n", out.count, out.done)
	return err
}

// progressWriter is where progress is shown: on a terminal that the events do not go to.
func progressWriter(call *config.Invocation) io.Writer {
	if logging.IsTerminal(call.Stderr) && !logging.IsTerminal(call.Stdout) {
		return call.Stderr
	}
	return nil
}

// options are what the flags ask the stream for, and what has to be picked from that.
func (c *replay) options(now time.Time) (reading.Options, reading.Selection, error) {
	opts, picked := reading.Options{After: diff.Position{Sequence: uint64(max(c.After, 0))}}, reading.Selection{Person: c.Person}
	if err := checkMeeting(c.Meeting); err != nil {
		return opts, picked, err
	}
	if c.After < 0 {
		return opts, picked, config.Usagef("after", "%d is negative", c.After)
	}
	types, err := events.ParseTypes(c.Type...)
	if err != nil {
		return opts, picked, config.Usagef("type", "%w", err)
	}
	for _, bound := range []struct {
		flag, text string
		at         *time.Time
	}{{"since", c.Since, &picked.Since}, {"until", c.Until, &picked.Until}} {
		if bound.text == "" {
			continue
		}
		if *bound.at, err = parseMoment(bound.text, now); err != nil {
			return opts, picked, config.Usagef(bound.flag, "%w", err)
		}
	}
	if !picked.Until.IsZero() && !picked.Until.After(picked.Since) {
		return opts, picked, config.Usagef("until", "%s is not later than --since", c.Until)
	}
	opts.Subjects, opts.Since = reading.Subjects(c.Meeting, types...), picked.StoredSince()
	return opts, picked, nil
}
