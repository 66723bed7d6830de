package service

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/face/httpapi"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/stored/ended"
	"github.com/c4342123/rollcall/internal/stored/feed"
	"github.com/c4342123/rollcall/internal/stored/report"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// gate answers for the poller until there is one: HTTP is served before NATS is reached, so that the service can be
// asked what it waits for.
type gate struct {
	behind  atomic.Pointer[parts]
	disk    atomic.Pointer[diskWatch] // under the embedded server; nil without one
	waiting atomic.Pointer[error]     // why there is nothing behind; nil before the first failure
	// refusals are what NATS does not let this user; they may be nil.
	refusals *conn.Refusals
}

type parts struct {
	poller *poller.Poller
	store  *publisher.Publisher
	stored *publisher.Survey[peers.Meeting]
	conn   *nats.Conn
	fleet  *fleet
	peers  *peers.Peers
	events *feed.Feed
	past   *ended.Index
	js     jetstream.JetStream
}

var (
	_ httpapi.Meetings = (*gate)(nil)
	_ httpapi.Events   = (*gate)(nil)
	_ httpapi.Past     = (*gate)(nil)
	_ httpapi.Reports  = (*gate)(nil)
	_ push.Notifier    = (*gate)(nil)
)

var errNotConnected = errors.New("not connected")

// storeAttempted is told by the publisher how it fares; see [poller.Poller.StoreAttempted].
func (g *gate) storeAttempted(err error) {
	if b := g.behind.Load(); b != nil {
		b.poller.StoreAttempted(err)
	}
}

func (g *gate) open(p parts) { g.behind.Store(&p) }

// waitFor keeps why the gate does not open.
func (g *gate) waitFor(err error) { g.waiting.Store(&err) }

// why says why the gate is not open.
func (g *gate) why() error {
	if err := g.waiting.Load(); err != nil {
		return g.refusals.Explain(*err)
	}
	return errNotConnected
}

// poller returns the poller once it knows the stored meetings.
func (g *gate) poller() (*poller.Poller, error) {
	b := g.behind.Load()
	if b == nil {
		return nil, fmt.Errorf("not ready: NATS: %w", g.why())
	}
	select {
	case <-b.poller.Ready():
		return b.poller, nil
	default:
		return nil, poller.ErrNotReady
	}
}

// Notice implements [push.Notifier]. A push waits for NATS, not until the stored meetings are known.
func (g *gate) Notice(ctx context.Context, n poller.Notice) error {
	b := g.behind.Load()
	if b == nil {
		return fmt.Errorf("%w: not ready: NATS: %w", push.ErrAway, g.why())
	}
	return conn.Plainly(b.poller.Notice(ctx, n))
}

// Watch implements [httpapi.Meetings].
func (g *gate) Watch(ctx context.Context, conferenceID, title string) (bool, error) {
	p, err := g.poller()
	if err != nil {
		return false, err
	}
	ctx, stop := whileStored(ctx, p, g.disk.Load())
	defer stop()
	created, err := p.Watch(ctx, conferenceID, title)
	return created, conn.Plainly(err)
}

// Unwatch implements [httpapi.Meetings].
func (g *gate) Unwatch(ctx context.Context, conferenceID string) error {
	p, err := g.poller()
	if err != nil {
		return err
	}
	ctx, stop := whileStored(ctx, p, g.disk.Load())
	defer stop()
	return conn.Plainly(p.Unwatch(ctx, conferenceID))
}

// Subscribe implements [httpapi.Events].
func (g *gate) Subscribe(filter feed.Filter) (*feed.Reader, error) {
	if b := g.behind.Load(); b != nil {
		return b.events.Subscribe(filter)
	}
	return nil, feed.ErrNotReady
}

// Resume implements [httpapi.Events].
func (g *gate) Resume(filter feed.Filter, after feed.ID) (*feed.Reader, error) {
	if b := g.behind.Load(); b != nil {
		return b.events.Resume(filter, after)
	}
	return nil, feed.ErrNotReady
}

// Search implements [httpapi.Past].
func (g *gate) Search(ctx context.Context, text string, limit int) ([]ended.Meeting, error) {
	if b := g.behind.Load(); b != nil {
		found, err := b.past.Search(ctx, text, limit)
		return found, conn.Plainly(err)
	}
	return nil, fmt.Errorf("not ready: NATS: %w", g.why())
}

// Report implements [httpapi.Reports].
func (g *gate) Report(ctx context.Context, conferenceID string) (report.Report, error) {
	if b := g.behind.Load(); b != nil {
		rep, err := report.Of(ctx, b.js, conferenceID)
		return rep, conn.Plainly(err)
	}
	return report.Report{}, fmt.Errorf("not ready: NATS: %w", g.why())
}
