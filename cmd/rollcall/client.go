package main

import (
	"context"
	"log/slog"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

// openClient connects a command that reads what the service stored, under a name that the server
// lists. The caller closes the connection.
func openClient(ctx context.Context, call *config.Invocation, c config.Client, name string, logger *slog.Logger) (jetstream.JetStream, error) {
	nc, err := conn.Connect(ctx, c.NATS, conn.Options{
		Name: name, Embedded: c.Embedded.Listen, DataDir: c.DataDir, LookupEnv: call.LookupEnv, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return jetstream.New(nc)
}
