package service

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/server"
	"github.com/c4342123/rollcall/poller"
)

// gate answers for the poller until there is one: HTTP is served before NATS is reached, so that the service can be
// asked what it waits for.
type gate struct{ behind atomic.Pointer[parts] }

type parts struct {
	poller *poller.Poller
	conn   *nats.Conn
}

var _ server.Meetings = (*gate)(nil)

var errNotConnected = errors.New("not connected")

func (g *gate) open(p *poller.Poller, conn *nats.Conn) { g.behind.Store(&parts{p, conn}) }

func (g *gate) Watch(ctx context.Context, conferenceID, title string) (bool, error) {
	if b := g.behind.Load(); b != nil {
		return b.poller.Watch(ctx, conferenceID, title)
	}
	return false, poller.ErrNotReady
}

func (g *gate) Unwatch(ctx context.Context, conferenceID string) error {
	if b := g.behind.Load(); b != nil {
		return b.poller.Unwatch(ctx, conferenceID)
	}
	return poller.ErrNotReady
}

func (g *gate) Meeting(conferenceID string) (poller.Status, *diff.State, error) {
	if b := g.behind.Load(); b != nil {
		return b.poller.Meeting(conferenceID)
	}
	return poller.Status{}, nil, poller.ErrNotReady
}

func (g *gate) Meetings() []poller.Status {
	if b := g.behind.Load(); b != nil {
		return b.poller.Meetings()
	}
	return nil
}

// checks says how the parts of the service fare. Without NATS nothing can be stored; a DingTalk that cannot be read is
// nobody's reason to send requests elsewhere.
func (g *gate) checks() []server.Check {
	b := g.behind.Load()
	if b == nil {
		return []server.Check{{Name: "nats", Err: errNotConnected, Vital: true}}
	}
	connection := server.Check{Name: "nats", Vital: true}
	if !b.conn.IsConnected() {
		connection.Err = errNotConnected
	}
	health := b.poller.Health()
	meetings := server.Check{Name: "meetings", Vital: true}
	if !health.Ready {
		meetings.Err = poller.ErrNotReady
	}
	checks := []server.Check{connection, meetings}
	for area, text := range health.Failing {
		checks = append(checks, server.Check{Name: area, Err: errors.New(text)})
	}
	slices.SortStableFunc(checks[2:], func(x, y server.Check) int { return strings.Compare(x.Name, y.Name) })
	return checks
}
