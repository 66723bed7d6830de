// Package peers lets every replica answer for all of them: the one that is asked what is watched
// asks the others, too.
package peers

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nuid"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/fleet/shards"
	"github.com/c4342123/rollcall/poller"
)

const (
	// Subject is where replicas ask each other.
	Subject = "rollcall.peers.meetings"
	// maxAsked bounds the questions that wait for an answer. One that gets none in time is answered
	// without it.
	maxAsked = 256
	// perPart is how many meetings one message of an answer tells of: less than half of what a
	// server takes.
	perPart = 500
)

// Meeting is a watched meeting, as the replica sees it that looks at it.
type Meeting struct {
	poller.Status
	Owner string // name of that replica; empty while no replica looks at it
}

// Shards says who looks at which meetings; see [shards.Replica].
type Shards interface {
	Owner(shard int) string
}

// Watched is what this replica watches; see [poller.Poller].
type Watched interface {
	// Known are the shards of which Meetings leaves nothing out.
	Known() []int
	Meetings() []poller.Status
}

// Options of [New]. Name, Shards and Watched are required.
type Options struct {
	Name    string // of this replica
	Shards  Shards
	Watched Watched
	// Patience is how long the other replicas are waited for, as one that has just died still
	// counts as an owner; 1 s when zero.
	Patience time.Duration
	Logger   *slog.Logger
}

// Peers asks the other replicas, and answers them.
type Peers struct {
	conn *nats.Conn
	opts Options
	id   string // of this replica among the others: two may have one name
}

// New returns what asks over conn, and answers once it is run.
func New(conn *nats.Conn, opts Options) *Peers {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	opts.Patience = cmp.Or(opts.Patience, time.Second)
	return &Peers{conn: conn, opts: opts, id: nuid.Next()}
}

// question asks for one meeting or, with an empty id, for all.
type question struct {
	Asker        string `json:"asker"` // the replica's id: it needs no answer of its own
	ConferenceID string `json:"conferenceId,omitempty"`
}

// part is a message of an answer.
type part struct {
	Owner    string          `json:"owner"`
	Shards   shards.Set      `json:"shards"` // that the answer covers
	Meetings []poller.Status `json:"meetings,omitempty"`
	Last     bool            `json:"last"` // no more parts follow
}

// Run answers the other replicas until ctx ends.
func (p *Peers) Run(ctx context.Context) error {
	asked := make(chan *nats.Msg, maxAsked)
	sub, err := p.conn.ChanSubscribe(Subject, asked)
	if err != nil {
		return fmt.Errorf("answering other replicas: %w", err)
	}
	// Fails only where there is no connection to answer on any more.
	defer func() { _ = sub.Unsubscribe() }()
	for {
		select {
		case m := <-asked:
			if err := p.answer(m); err != nil && ctx.Err() == nil {
				p.opts.Logger.Warn("another replica got no answer", "error", err)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// answer tells what this replica looks at, if the question is about that.
func (p *Peers) answer(m *nats.Msg) error {
	var q question
	if err := json.Unmarshal(m.Data, &q); err != nil {
		return fmt.Errorf("reading the question: %w", err)
	}
	if q.Asker == p.id {
		return nil
	}
	covered, meetings := p.local(q)
	if covered == 0 {
		return nil
	}
	for first := true; first || len(meetings) > 0; first = false {
		n := min(len(meetings), perPart)
		body, err := json.Marshal(part{Owner: p.opts.Name, Shards: covered, Meetings: meetings[:n], Last: n == len(meetings)})
		if err != nil {
			return err
		}
		meetings = meetings[n:]
		if err := m.Respond(body); err != nil {
			return err
		}
	}
	return nil
}

// local is this replica's part of the answer: the shards it covers and what is watched of them.
func (p *Peers) local(q question) (shards.Set, []poller.Status) {
	covered := setOf(p.opts.Watched.Known()) & q.about()
	if covered == 0 {
		return 0, nil
	}
	all := p.opts.Watched.Meetings()
	covered &= setOf(p.opts.Watched.Known()) // some may have been lost meanwhile
	var meetings []poller.Status
	for _, s := range all {
		if covered.Has(events.Shard(s.ConferenceID)) && (q.ConferenceID == "" || q.ConferenceID == s.ConferenceID) {
			meetings = append(meetings, s)
		}
	}
	return covered, meetings
}

func setOf(list []int) shards.Set {
	var s shards.Set
	for _, shard := range list {
		s |= shards.One(shard)
	}
	return s
}

// about is the set of shards that a question concerns.
func (q question) about() shards.Set {
	if q.ConferenceID == "" {
		return shards.Every
	}
	return shards.One(events.Shard(q.ConferenceID))
}
