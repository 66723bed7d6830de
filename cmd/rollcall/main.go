// Rollcall tells who joined, left or was kicked from DingTalk video meetings, as events in NATS
// JetStream.
package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/config"
)

func main() {
	// Writing to a closed pipe returns an error like any other, so that a command still cleans up.
	signal.Ignore(syscall.SIGPIPE)
	os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

// commands is the grammar of the command line.
type commands struct {
	Serve    serve          `cmd:"" help:"Run the service: watch meetings and publish who comes and goes."`
	Demo     demo           `cmd:"" help:"Show everything on this machine: a simulated DingTalk, NATS, the service, live events."`
	Simulate simulate       `cmd:"" help:"Run the simulated DingTalk alone."`
	Tail     tail           `cmd:"" help:"Print live events, after stored ones if wanted."`
	Replay   replay         `cmd:"" help:"Print stored events of a time span, a meeting or a person as JSON lines."`
	Report   reportCommand  `cmd:"" help:"Print who attended a meeting, from when to when."`
	Verify   verifyCommand  `cmd:"" help:"Compare a meeting's stored events with the live member list."`
	Person   personCommand  `cmd:"" help:"Print everything that is stored about somebody."`
	Erase    eraseCommand   `cmd:"" help:"Erase somebody from everything that is stored."`
	Doctor   doctorCommand  `cmd:"" help:"Check what the service needs by trying it, change nothing, and say how to mend what is wrong."`
	Bot      botCommand     `cmd:"" help:"Tell DingTalk groups who joins, by their robots."`
	Token    tokenCommand   `cmd:"" help:"Make, list and remove the named tokens of API and page."`
	Version  versionCommand `cmd:"" help:"Print the version."`
}

// run is the program. SIGINT and SIGTERM stop it cleanly, and so does SIGHUP, unless the program is
// to outlive its terminal.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	signals := []os.Signal{os.Interrupt, syscall.SIGTERM}
	if !signal.Ignored(syscall.SIGHUP) {
		signals = append(signals, syscall.SIGHUP)
	}
	ctx, stop := signal.NotifyContext(ctx, signals...)
	defer stop()
	return config.Program{
		Name: "rollcall", Description: "Who joined, left or was kicked from your DingTalk meetings, as events in NATS.\n\n" +
			"Exit status: 0 done, 1 failed, 2 wrong usage or settings, 3 verify: different.",
		Args: args, Environ: environ, Stdout: stdout, Stderr: stderr,
	}.Run(ctx, &commands{})
}

// newLogger returns the logger of a command and logs the warnings about its settings.
func newLogger(call *config.Invocation, settings config.Logging) *slog.Logger {
	logger := logging.New(call.Stderr, settings)
	for _, warning := range call.Warnings {
		logger.Warn(warning)
	}
	return logger
}

// unlessUnread returns nil for the error of writing to a closed pipe, as head leaves one after a
// few lines: the command has not failed.
func unlessUnread(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}
