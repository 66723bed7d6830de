package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/fleet/shards"
)

var errNoAnswer = errors.New("not every replica answered in time")

// Meetings returns what all replicas watch, in no particular order, and the shards that no replica
// answered for: their owner has gone, or was too slow. It returns an error only when no replica
// could be asked, or ctx has ended.
func (p *Peers) Meetings(ctx context.Context) ([]Meeting, shards.Set, error) {
	return p.ask(ctx, question{Asker: p.id})
}

// Meeting returns one meeting. It tells whether its owner answered; when it did and there is none
// of that id, the meeting is not watched. It returns an error only when no replica could be asked,
// or ctx has ended.
func (p *Peers) Meeting(ctx context.Context, conferenceID string) (m Meeting, watched, answered bool, err error) {
	meetings, missing, err := p.ask(ctx, question{Asker: p.id, ConferenceID: conferenceID})
	if err != nil {
		return Meeting{}, false, false, err
	}
	if len(meetings) > 0 {
		return meetings[0], true, true, nil
	}
	return Meeting{}, false, !missing.Has(events.Shard(conferenceID)), nil
}

// ask gathers the answers. What this replica looks at itself it does not ask for.
func (p *Peers) ask(ctx context.Context, q question) ([]Meeting, shards.Set, error) {
	covered, local := p.local(q)
	g := gathering{missing: q.about() &^ covered, found: map[string]Meeting{}}
	for _, s := range local {
		g.found[s.ConferenceID] = Meeting{s, p.opts.Name}
	}
	if waited := g.missing & p.owned(); waited != 0 {
		ctx, cancel := context.WithTimeoutCause(ctx, p.opts.Patience, errNoAnswer)
		defer cancel()
		if err := p.gather(ctx, q, &g, waited); err != nil {
			return nil, 0, err
		}
	}
	out := make([]Meeting, 0, len(g.found))
	for _, m := range g.found {
		out = append(out, m)
	}
	return out, g.missing, nil
}

// owned is the set of the shards that some replica looks at.
func (p *Peers) owned() shards.Set {
	var s shards.Set
	for shard := range shards.Every.All() {
		if p.opts.Shards.Owner(shard) != "" {
			s |= shards.One(shard)
		}
	}
	return s
}

// gathering is what has been answered so far.
type gathering struct {
	missing shards.Set // that no replica has answered for in full
	found   map[string]Meeting
}

// gather asks, and takes the answers until the shards that have owners are covered or the time is
// up.
func (p *Peers) gather(ctx context.Context, q question, g *gathering, waited shards.Set) error {
	body, err := json.Marshal(q)
	if err != nil {
		return err
	}
	inbox := p.conn.NewInbox()
	sub, err := p.conn.SubscribeSync(inbox)
	if err != nil {
		return fmt.Errorf("asking the other replicas: %w", err)
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only where there is no connection any more
	if err := p.conn.PublishRequest(Subject, inbox, body); err != nil {
		return fmt.Errorf("asking the other replicas: %w", err)
	}
	for g.missing&waited != 0 {
		m, err := sub.NextMsgWithContext(ctx)
		switch {
		case err == nil:
			g.take(m, p)
		case errors.Is(context.Cause(ctx), errNoAnswer), errors.Is(err, nats.ErrNoResponders):
			return nil
		default:
			return fmt.Errorf("asking the other replicas: %w", err)
		}
	}
	return nil
}

// take adds a part of a replica's answer. While a shard changes hands two may answer for it: the
// one that looked last counts.
func (g *gathering) take(m *nats.Msg, p *Peers) {
	var a part
	if err := json.Unmarshal(m.Data, &a); err != nil {
		p.opts.Logger.Warn("another replica's answer cannot be read", "error", err)
		return
	}
	for _, s := range a.Meetings {
		if before, ok := g.found[s.ConferenceID]; !ok || s.LastLook.After(before.LastLook) {
			g.found[s.ConferenceID] = Meeting{s, a.Owner}
		}
	}
	if a.Last {
		g.missing &^= a.Shards
	}
}
