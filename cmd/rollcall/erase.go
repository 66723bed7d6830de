package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/signing"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/stored/forget"
	"github.com/c4342123/rollcall/publisher"
)

// maxReason is how long a reason, or a name of whose order it is, may be, in bytes.
const maxReason = 1000

type eraseCommand struct {
	config.Client
	Events config.Events `embed:"" group:"Events"`
	someone
	Reason string        `placeholder:"TEXT" help:"Why; it is kept, and should not name the person. Required but for --dry-run."`
	By     string        `placeholder:"NAME" help:"By whose order; it is kept."`
	DryRun bool          `help:"Only say what would be erased."`
	Notice time.Duration `placeholder:"TIME" default:"1h" help:"How long consumers are told whom to forget, by conference.person.forget, until that is overwritten too; 0 = not at all."`
}

// Help is shown with the help of the command.
func (c *eraseCommand) Help() string {
	return "Every event of theirs is overwritten, and every event that names them as the creator of a meeting; all earlier states of these meetings become unreadable. " +
		"Meetings that are watched wait until they are over; a running serve sees to that, and overwrites what tells consumers. conference.person.erased says what was erased, " +
		"and not who. It is paced, and can be stopped at any time: the same order, or a running serve, goes on with it. A second time there is nothing left. Titles of meetings stay.\n\n" +
		"The answer is {\"meetings\",\"events\",\"waiting\",\"unreachable\"}: how much was erased, which meetings wait, and what may still name the person and cannot be reached from here.\n\n" + c.Client.Help()
}

// Run erases somebody.
func (c *eraseCommand) Run(ctx context.Context, call *config.Invocation) error {
	wanted, err := c.check()
	if err != nil {
		return err
	}
	logger := newLogger(call, c.Logging)
	js, err := openClient(ctx, call, c.Client, "rollcall-erase", logger)
	if err != nil {
		return err // also when it was stopped: nothing was done
	}
	defer js.Conn().Close()
	if err := conn.Writer(ctx, js.Conn(), c.NATS); err != nil {
		return err
	}
	answer := forget.Nothing()
	switch _, err = js.Stream(ctx, events.Stream); {
	case errors.Is(err, jetstream.ErrStreamNotFound):
	case err != nil:
		return err
	default:
		if answer, err = c.erase(ctx, call, js, wanted, logger); err != nil {
			return err
		}
	}
	return unlessUnread(json.NewEncoder(call.Stdout).Encode(answer))
}

// check refuses what makes no order.
func (c *eraseCommand) check() (forget.Wanted, error) {
	wanted, err := c.wanted(c.Events)
	switch {
	case err != nil:
		return wanted, err
	case strings.TrimSpace(c.Reason) == "" && !c.DryRun:
		return wanted, config.Usagef("reason", "is missing: it is kept with what was erased")
	case len(c.Reason) > maxReason:
		return wanted, config.Usagef("reason", "is longer than %d bytes", maxReason)
	case len(c.By) > maxReason:
		return wanted, config.Usagef("by", "is longer than %d bytes", maxReason)
	case forget.Tells(c.Reason, c.ID+c.Guest):
		return wanted, config.Usagef("reason", "names the person: it is kept for good, and must not tell who was erased")
	case forget.Tells(c.By, c.ID+c.Guest):
		return wanted, config.Usagef("by", "names the person: it is kept for good, and must not tell who was erased")
	case c.Notice < 0:
		return wanted, config.Usagef("notice", "is negative")
	}
	return wanted, nil
}

// erase opens what is stored, and erases.
func (c *eraseCommand) erase(ctx context.Context, call *config.Invocation, js jetstream.JetStream, wanted forget.Wanted, logger *slog.Logger) (forget.Answer, error) {
	corp, err := forget.CorpID(ctx, js)
	if err != nil {
		return forget.Answer{}, err
	}
	signer, err := c.signer(logger)
	if err != nil {
		return forget.Answer{}, err
	}
	pub, err := publisher.Open(ctx, js.Conn(), publisher.Options{CorpID: corp, Signer: signer, Retention: c.Events.Retention, Logger: logger})
	if err != nil {
		return forget.Answer{}, err
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- pub.Run(running) }()
	defer func() {
		stop()
		<-done
	}()
	x := forget.Eraser{Publisher: pub, JetStream: js, Foreign: c.NATS.External(), Progress: func(meetings, of int) {
		if w := progressWriter(call); w != nil {
			_, _ = fmt.Fprintf(w, "%s%d of %d meetings", clearLine, meetings, of)
			if meetings == of {
				_, _ = fmt.Fprint(w, clearLine)
			}
		}
	}}
	return x.Erase(ctx, forget.Request{Wanted: wanted, Reason: c.Reason, By: c.By, Notice: c.Notice, DryRun: c.DryRun})
}

// signer is the key of the service, where it can be read: what tells of the erasure is sealed with
// it.
func (c *eraseCommand) signer(logger *slog.Logger) (publisher.Signer, error) {
	path := c.Events.SigningKeyFile
	if path == "" && c.NATS.External() {
		logger.Warn("what tells of the erasure is not sealed: there is no key; set --signing-key-file (ROLLCALL_SIGNING_KEY_FILE)")
		return nil, nil
	}
	named := path != ""
	if !named {
		path = filepath.Join(c.DataDir, signing.File)
	}
	key, err := signing.Load(path)
	switch {
	case err == nil:
		return key, nil
	case named || !errors.Is(err, fs.ErrNotExist):
		return nil, config.Usagef("signing-key-file", "%w", err)
	}
	logger.Warn("what tells of the erasure is not sealed: the service's key is not in the data directory; set data-dir, or --signing-key-file", "file", path)
	return nil, nil
}
