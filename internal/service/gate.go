package service

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/poller"
)

// gate is what there is before there is a poller: HTTP is served before NATS is reached, so that
// the service can be asked what it waits for.
type gate struct {
	ready   chan struct{}             // closed when parts may be used; a nil one never is
	parts   parts                     // not to be read before
	disk    atomic.Pointer[diskWatch] // under the embedded server; nil without one
	waiting atomic.Pointer[error]     // why the gate is not open; nil before the first failure
	// refusals are what NATS does not let this user; they may be nil.
	refusals *conn.Refusals
}

var _ push.Notifier = (*gate)(nil)

var errNotConnected = errors.New("not connected")

// open lets the parts be used. It may be called once.
func (g *gate) open(p parts) {
	g.parts = p
	close(g.ready)
}

// behind returns the parts, or nil before they may be used.
func (g *gate) behind() *parts {
	select {
	case <-g.ready:
		return &g.parts
	default:
		return nil
	}
}

// waitFor keeps why the gate does not open.
func (g *gate) waitFor(err error) { g.waiting.Store(&err) }

// why says why the gate is not open.
func (g *gate) why() error {
	if err := g.waiting.Load(); err != nil {
		return g.refusals.Explain(*err)
	}
	return errNotConnected
}

// notReady is the answer to a request that needs the parts before they may be used.
func (g *gate) notReady() error { return fmt.Errorf("not ready: NATS: %w", g.why()) }

// storeAttempted is told by the publisher how an attempt to store went; see
// [poller.Poller.StoreAttempted].
func (g *gate) storeAttempted(err error) {
	if p := g.behind(); p != nil {
		p.poller.StoreAttempted(err)
	}
}

// Notice implements [push.Notifier]. A push waits for NATS, not until the stored meetings are
// known.
func (g *gate) Notice(ctx context.Context, n poller.Notice) error {
	p := g.behind()
	if p == nil {
		return fmt.Errorf("%w: %w", push.ErrAway, g.notReady())
	}
	return conn.Plainly(p.poller.Notice(ctx, n))
}
