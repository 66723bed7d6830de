package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/stored/audit"
	"github.com/c4342123/rollcall/poller/condition"
)

// evidenceAlone returns an error where a flag is set that would leave out what evidence needs.
func (c *replay) evidenceAlone() error {
	for _, flag := range []struct {
		name string
		set  bool
	}{
		{"until", c.Until != ""}, {"person", c.Person != ""}, {"type", len(c.Type) > 0}, {"after", c.After != 0}, {"position", c.Position},
	} {
		if flag.set {
			return config.Usagef(flag.name, "does not go with --evidence, which has whole meetings as they are stored")
		}
	}
	return nil
}

// proof writes evidence.
func (c *replay) proof(ctx context.Context, call *config.Invocation, js jetstream.JetStream, since time.Time, reporter condition.Reporter) error {
	out := bufio.NewWriterSize(call.Stdout, bufferSize)
	var lines io.Writer = out
	if logging.IsTerminal(call.Stdout) {
		lines = escaping{out}
	}
	bar := newProgress(progressWriter(call))
	written, err := audit.Export{
		JetStream: js, Meeting: c.Meeting, Since: since, Patience: outage, Reporter: reporter, Step: bar.step,
	}.Write(ctx, lines)
	bar.end()
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	if err != nil {
		return unlessUnread(err) // what is there is not whole, and verify says so
	}
	_, _ = fmt.Fprintf(call.Stderr, "rollcall: evidence of %d meetings with %d events, and of a log of %d\n", written.Meetings, written.Events, written.Log)
	return nil
}

// escaping writes lines for a terminal. They are no evidence any more where they had to be changed.
type escaping struct{ out io.Writer }

// Write implements [io.Writer]; what it is given is one line.
func (e escaping) Write(line []byte) (int, error) {
	text := append(plaintext.Escaped(bytes.TrimSuffix(line, []byte("\n"))), '\n')
	if _, err := e.out.Write(text); err != nil {
		return 0, err
	}
	return len(line), nil
}
