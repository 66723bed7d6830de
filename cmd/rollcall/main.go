// Rollcall tells who joined, left or was kicked from DingTalk video meetings, as events in NATS JetStream.
package main

import (
	"context"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/c4342123/rollcall/internal/config"
)

func main() { os.Exit(run(context.Background(), os.Args[1:], os.Environ(), os.Stdout, os.Stderr)) }

// commands is the grammar of the command line.
type commands struct {
	Serve    serve    `cmd:"" help:"Run the service: watch meetings and publish who comes and goes."`
	Demo     demo     `cmd:"" help:"Show everything on this machine: a simulated DingTalk, NATS, the service, live events."`
	Simulate simulate `cmd:"" help:"Run the simulated DingTalk alone."`
	Tail     tail     `cmd:"" help:"Print live events."`
	Version  showVers `cmd:"" help:"Print the version."`
}

// run is the program. SIGINT and SIGTERM stop it cleanly.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	return config.Program{
		Name: "rollcall", Description: "Who joined, left or was kicked from your DingTalk meetings, as events in NATS.",
		Args: args, Environ: environ, Stdout: stdout, Stderr: stderr,
	}.Run(ctx, &commands{})
}
