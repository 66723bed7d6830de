// Package turns lets one replica at a time do what all of them could do, and what costs a call
// whichever does it: list the organisation's meetings.
package turns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/nats/conn"
)

// Bucket is the JetStream bucket by which the replicas take turns.
const Bucket = "ROLLCALL_DISCOVERY"

const (
	turnKey = "turn"
	// shortestTurn is the least that a server keeps a key for.
	shortestTurn = 100 * time.Millisecond
)

// Options of [Turns].
type Options struct {
	// Owner names this replica.
	Owner string
	// Interval is the time between two turns. A replica has its turn for most of it, and the turn
	// is free again when the replica is gone.
	Interval time.Duration
	// Replicas is how many copies the servers keep of what is stored.
	Replicas int
}

// Turns are taken by one replica at a time. It is for one goroutine.
type Turns struct {
	conn  *nats.Conn
	opts  Options
	began bool
	kv    jetstream.KeyValue // nil until it could be opened
}

// New returns the turns that the replicas take over conn. It opens nothing yet.
func New(conn *nats.Conn, opts Options) *Turns { return &Turns{conn: conn, opts: opts} }

// Take takes a turn and tells whether it was free. The first list since the start is made in any
// case: what happened while no replica looked is to be found at once.
func (t *Turns) Take(ctx context.Context) (bool, error) {
	first := !t.began
	t.began = true
	mine, err := t.claim(ctx)
	if first {
		return true, nil
	}
	if err != nil {
		return false, fmt.Errorf("taking a turn: %w", err)
	}
	return mine, nil
}

func (t *Turns) claim(ctx context.Context) (bool, error) {
	if err := t.open(ctx); err != nil {
		return false, err
	}
	_, err := t.kv.Create(ctx, turnKey, []byte(t.opts.Owner))
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return err == nil, err
	}
	entry, err := t.kv.Get(ctx, turnKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return true, nil // it has just expired
	}
	return err == nil && string(entry.Value()) == t.opts.Owner, err
}

// open opens what the replicas share.
func (t *Turns) open(ctx context.Context) error {
	if t.kv != nil {
		return nil
	}
	js, err := jetstream.New(t.conn)
	if err != nil {
		return err
	}
	t.kv, err = conn.Bucket(ctx, js, jetstream.KeyValueConfig{
		Bucket: Bucket, Description: "which replica lists the meetings", Replicas: t.opts.Replicas,
		TTL: max(t.opts.Interval-t.opts.Interval/10, shortestTurn),
	})
	return err
}
