package service

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/internal/dingtalk/discovery"
	"github.com/c4342123/rollcall/internal/nats/conn"
)

const (
	turnKey = "turn"
	// shortestTurn is the least that a server keeps a key for.
	shortestTurn = 100 * time.Millisecond
)

// turns lets one replica at a time list the organisation's meetings: each list is a call, whoever makes it. Whoever
// takes a turn has it for most of an interval, and it is free again when they are gone.
type turns struct {
	conn     *nats.Conn
	owner    string
	interval time.Duration
	replicas int
	began    bool
	kv       jetstream.KeyValue // nil until it could be opened
}

// take takes a turn and tells whether it was free. The first list since the start is made in any case: what happened
// while nobody looked is to be found at once.
func (t *turns) take(ctx context.Context) (bool, error) {
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

func (t *turns) claim(ctx context.Context) (bool, error) {
	if err := t.open(ctx); err != nil {
		return false, err
	}
	_, err := t.kv.Create(ctx, turnKey, []byte(t.owner))
	if !errors.Is(err, jetstream.ErrKeyExists) {
		return err == nil, err
	}
	entry, err := t.kv.Get(ctx, turnKey)
	if errors.Is(err, jetstream.ErrKeyNotFound) {
		return true, nil // it has just expired
	}
	return err == nil && string(entry.Value()) == t.owner, err
}

// open opens what the replicas share.
func (t *turns) open(ctx context.Context) error {
	if t.kv != nil {
		return nil
	}
	js, err := jetstream.New(t.conn)
	if err != nil {
		return err
	}
	t.kv, err = conn.Bucket(ctx, js, jetstream.KeyValueConfig{
		Bucket: discovery.Bucket, Description: "which replica lists the meetings", Replicas: t.replicas,
		TTL: max(t.interval-t.interval/10, shortestTurn),
	})
	return err
}
