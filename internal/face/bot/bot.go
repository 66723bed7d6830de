package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/logging"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/dingtalk/robot"
	"github.com/c4342123/rollcall/internal/face/terminal"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// Options of [Run].
type Options struct {
	// Rules say who is told what.
	Rules *Rules
	// Logger gets what was told, without names, and what fails; nil logs nothing.
	Logger *slog.Logger
}

// Run tells the robots until ctx ends, each at its own pace. Whatever fails is reported and tried
// again. Several processes may run at once: one of them tells a robot. Stopping takes no longer
// than 10 s.
func Run(ctx context.Context, nc *nats.Conn, opts Options) error {
	js, err := jetstream.New(nc)
	if err != nil {
		return fmt.Errorf("rollcall bot: %w", err)
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	id := uuid.NewString()
	q := new(quota)
	var workers sync.WaitGroup
	defer workers.Wait()
	workers.Go(func() { q.run(ctx, nc, js, opts.Logger) })
	for _, t := range opts.Rules.robots {
		client := robot.New(t.options)
		w := newWorker(t, opts, id, client, js)
		w.quota = q
		workers.Go(func() {
			defer client.Close()
			w.run(ctx)
		})
	}
	return nil
}

func newWorker(t target, opts Options, id string, sender sender, js jetstream.JetStream) *worker {
	return &worker{
		target: t, rules: opts.Rules, id: id, sender: sender, timing: timing{time.Now, pause.For},
		logger: opts.Logger, reporter: logging.NewChanges(opts.Logger, logging.ChangesOptions{}),
		open: func(ctx context.Context) (jetstream.Stream, bucket, error) { return open(ctx, js) },
		goOn: func(ctx context.Context, at diff.Position) (diff.Position, error) {
			return reading.GoOn(ctx, js, subjects, at)
		},
	}
}

// open finds the stream and the bucket, which it makes when there is none, as safe as the stream.
func open(ctx context.Context, js jetstream.JetStream) (jetstream.Stream, bucket, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, events.Stream)
	switch {
	case errors.Is(err, jetstream.ErrStreamNotFound):
		return nil, nil, terminal.ErrNoStream
	case err != nil:
		return nil, nil, fmt.Errorf("find the stream %s: %w", events.Stream, err)
	}
	kv, err := conn.Bucket(ctx, js, jetstream.KeyValueConfig{
		Bucket: Bucket, Description: "what rollcall bot told the group robots", Replicas: stream.CachedInfo().Config.Replicas,
	})
	return stream, kv, err
}
