package service

import (
	"context"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/fleet/peers"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/poller"
)

// Meeting implements [httpapi.Meetings]. What has been announced is the same for all replicas; how the looks go is asked
// of the replica that makes them.
func (g *gate) Meeting(ctx context.Context, conferenceID string) (peers.Meeting, *diff.State, error) {
	p, err := g.poller()
	if err != nil {
		return peers.Meeting{}, nil, err
	}
	status, state, err := p.Meeting(ctx, conferenceID)
	if err != nil {
		return peers.Meeting{}, nil, conn.Plainly(err)
	}
	seen, watched, _, err := g.behind.Load().peers.Meeting(ctx, conferenceID)
	if err != nil {
		return peers.Meeting{}, nil, conn.Plainly(err)
	}
	if !watched { // nobody looks at it at the moment
		return peers.Meeting{Status: status}, state, nil
	}
	return seen, state, nil
}

// Stored implements [httpapi.Meetings].
func (g *gate) Stored(ctx context.Context, conferenceID string) (*diff.State, error) {
	if _, err := g.poller(); err != nil {
		return nil, err
	}
	record, err := g.behind.Load().store.Load(ctx, conferenceID)
	if err != nil || record.Revision == 0 {
		return nil, conn.Plainly(err)
	}
	return record.State, nil
}

// Meetings implements [httpapi.Meetings]. Of shards that nobody looks at for the moment, what is stored is told.
func (g *gate) Meetings(ctx context.Context) ([]peers.Meeting, error) {
	if _, err := g.poller(); err != nil {
		return nil, err
	}
	all, missing, err := g.behind.Load().peers.Meetings(ctx)
	if err != nil {
		return nil, conn.Plainly(err)
	}
	stored, err := g.behind.Load().stored.Read(ctx, slices.Collect(missing.All())...)
	if err != nil {
		return nil, conn.Plainly(err)
	}
	all = append(all, stored...)
	slices.SortFunc(all, func(a, b peers.Meeting) int { return strings.Compare(a.ConferenceID, b.ConferenceID) })
	return slices.CompactFunc(all, func(a, b peers.Meeting) bool { return a.ConferenceID == b.ConferenceID }), nil
}

// asStored is what is told of a meeting that nobody looks at for the moment.
func asStored(s *diff.State) (peers.Meeting, bool) {
	return peers.Meeting{Status: poller.StatusOf(s)}, s.Phase == diff.Watched
}
