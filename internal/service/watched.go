package service

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/peers"
	"github.com/c4342123/rollcall/internal/shards"
	"github.com/c4342123/rollcall/poller"
)

// Meeting implements [server.Meetings]. What has been announced is the same for all replicas; how the looks go is asked
// of the replica that makes them.
func (g *gate) Meeting(ctx context.Context, conferenceID string) (peers.Meeting, *diff.State, error) {
	p, err := g.poller()
	if err != nil {
		return peers.Meeting{}, nil, err
	}
	status, state, err := p.Meeting(ctx, conferenceID)
	if err != nil {
		return peers.Meeting{}, nil, err
	}
	seen, watched, _, err := g.behind.Load().peers.Meeting(ctx, conferenceID)
	if err != nil {
		return peers.Meeting{}, nil, err
	}
	if !watched { // nobody looks at it at the moment
		return peers.Meeting{Status: status}, state, nil
	}
	return seen, state, nil
}

// Stored implements [server.Meetings].
func (g *gate) Stored(ctx context.Context, conferenceID string) (*diff.State, error) {
	if _, err := g.poller(); err != nil {
		return nil, err
	}
	record, err := g.behind.Load().store.Load(ctx, conferenceID)
	if err != nil || record.Revision == 0 {
		return nil, err
	}
	return record.State, nil
}

// Meetings implements [server.Meetings]. Of shards that nobody looks at for the moment, what is stored is told.
func (g *gate) Meetings(ctx context.Context) ([]peers.Meeting, error) {
	if _, err := g.poller(); err != nil {
		return nil, err
	}
	all, missing, err := g.behind.Load().peers.Meetings(ctx)
	if err != nil {
		return nil, err
	}
	if missing != 0 {
		stored, err := g.stored(ctx, missing)
		if err != nil {
			return nil, err
		}
		all = append(all, stored...)
	}
	slices.SortFunc(all, func(a, b peers.Meeting) int { return strings.Compare(a.ConferenceID, b.ConferenceID) })
	return slices.CompactFunc(all, func(a, b peers.Meeting) bool { return a.ConferenceID == b.ConferenceID }), nil
}

// stored reads the watched meetings of some shards.
func (g *gate) stored(ctx context.Context, of shards.Set) ([]peers.Meeting, error) {
	watched := map[string]peers.Meeting{}
	for record, err := range g.behind.Load().store.All(ctx, slices.Collect(of.All())...) {
		switch {
		case errors.Is(err, diff.ErrCorruptState): // its meeting is watched by nobody
		case err != nil:
			return nil, err
		case record.State.Phase == diff.Watched && of.Has(events.Shard(record.State.ConferenceID)):
			watched[record.State.ConferenceID] = peers.Meeting{Status: poller.StatusOf(record.State)}
		default: // a newer state than the one before
			delete(watched, record.State.ConferenceID)
		}
	}
	out := make([]peers.Meeting, 0, len(watched))
	for _, m := range watched {
		out = append(out, m)
	}
	return out, nil
}
