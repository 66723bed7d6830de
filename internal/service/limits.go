package service

import (
	"context"
	"fmt"
	"sync/atomic"

	"github.com/c4342123/rollcall/internal/dingtalk/api"
	"github.com/c4342123/rollcall/internal/fleet/budget"
)

// limits hold the calls to DingTalk back. What the replicas share is known once NATS has been
// reached; before that there is nothing to call for.
type limits struct {
	behind atomic.Pointer[budget.Limiter]
}

var (
	_ api.Limiter  = (*limits)(nil)
	_ api.Observer = (*limits)(nil)
)

func (l *limits) open(limiter *budget.Limiter) { l.behind.Store(limiter) }

// Wait implements [api.Limiter].
func (l *limits) Wait(ctx context.Context) error {
	if b := l.behind.Load(); b != nil {
		return b.Wait(ctx)
	}
	return fmt.Errorf("no call is counted before there is a count: %w", errNotConnected)
}

// Observe implements [api.Observer].
func (l *limits) Observe(err error) {
	if b := l.behind.Load(); b != nil {
		b.Observe(err)
	}
}
