package bot

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/fleet/budget"
)

const (
	// quotaPause stands between two attempts to learn of the quota.
	quotaPause = 30 * time.Second
	// shortPart is the part of the month's pushes of which nothing is said but in digests: one of so many.
	shortPart = 5
	// lastCount is how long a stop may take to store what was counted.
	lastCount = time.Second
)

// quota is the month's pushes, of which each message takes one. How many there are the service says; a nil quota has no limit.
type quota struct {
	usage  atomic.Pointer[budget.Usage] // nil until it could be opened
	before atomic.Int64                 // messages that were sent before
}

// sent counts a message.
func (q *quota) sent() {
	if q == nil {
		return
	}
	if u := q.usage.Load(); u != nil {
		u.Count(budget.Message)
		return
	}
	q.before.Add(1)
}

// short tells whether the pushes are gone before the month is, at this pace, or few are left.
func (q *quota) short() bool {
	if q == nil {
		return false
	}
	u := q.usage.Load()
	if u == nil {
		return false
	}
	s := u.Pushes()
	return s.Limit > 0 && (s.RunsOut() || s.Left < s.Limit/shortPart)
}

// run counts until ctx ends. Where that is not possible it is said once, and tried again.
func (q *quota) run(ctx context.Context, nc *nats.Conn, js jetstream.JetStream, log *slog.Logger) {
	for said := false; ; {
		u, err := openUsage(ctx, nc, js)
		if err == nil {
			q.follow(ctx, u)
			return
		}
		if !said && ctx.Err() == nil {
			said = true
			log.Info("messages are not counted among the month's pushes yet", "error", err)
		}
		if !pause.For(ctx, quotaPause) {
			return
		}
	}
}

func (q *quota) follow(ctx context.Context, u *budget.Usage) {
	q.usage.Store(u)
	for range q.before.Swap(0) {
		u.Count(budget.Message)
	}
	u.Run(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastCount)
	defer cancel()
	_ = u.Sync(ctx) // a few that are not counted do no harm
}

// openUsage opens what is counted, as safe as the stream. How many pushes a month has the service knows.
func openUsage(ctx context.Context, nc *nats.Conn, js jetstream.JetStream) (*budget.Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	stream, err := js.Stream(ctx, events.Stream)
	if err != nil {
		return nil, fmt.Errorf("find the stream %s: %w", events.Stream, err)
	}
	return budget.OpenUsage(ctx, nc, budget.UsageOptions{Pushes: -1, Replicas: stream.CachedInfo().Config.Replicas})
}
