package budget

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// turnKey is where turns are taken.
const turnKey = "turn"

// Turns lets the replicas call one after the other, where there are so many of them that the rate is less than about a
// call per replica and second: shares of their own would let all of them call at the same moment. It is safe for
// concurrent use.
//
// A turn is a change of one key. Whoever changes it has known for the time between two calls that nobody else did: so
// turns are at least that far apart, without any clock being asked for the time of day.
type Turns struct {
	store   *store
	taking  chan struct{} // held by whoever takes a turn
	known   bool
	last    uint64    // revision of the last turn
	noticed time.Time // when last was seen, which is after it was taken
}

// OpenTurns opens what the replicas share, on as many NATS servers as replicas says; 0 means 1. It does not take over
// conn.
func OpenTurns(ctx context.Context, conn *nats.Conn, replicas int) (*Turns, error) {
	s, err := openStore(ctx, conn, max(replicas, 1))
	if err != nil {
		return nil, fmt.Errorf("budget: opening the turns: %w", err)
	}
	return &Turns{store: s, taking: make(chan struct{}, 1)}, nil
}

// wait returns when it is this replica's turn, every is the time between two turns.
func (t *Turns) wait(ctx context.Context, every time.Duration) error {
	select {
	case t.taking <- struct{}{}:
		defer func() { <-t.taking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if err := t.notice(ctx); err != nil {
			return err
		}
		if !pause.For(ctx, time.Until(t.noticed.Add(every))) {
			return ctx.Err()
		}
		taken, err := t.take(ctx)
		if taken || err != nil {
			return err
		}
	}
}

// notice reads who had the last turn, unless that is known.
func (t *Turns) notice(ctx context.Context) error {
	if t.known {
		return nil
	}
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	revision, err := t.store.load(ctx, turnKey, new(struct{}))
	if err != nil {
		return uncounted(ctx, err)
	}
	if revision != t.last || t.noticed.IsZero() {
		t.last, t.noticed = revision, time.Now()
	}
	t.known = true
	return nil
}

// take takes the turn, unless another replica has.
func (t *Turns) take(ctx context.Context) (bool, error) {
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	revision, err := t.store.save(ctx, turnKey, struct{}{}, t.last)
	if err == nil {
		t.last, t.noticed = revision, time.Now()
		return true, nil
	}
	t.known = false
	if !errors.Is(err, errConflict) {
		return false, uncounted(ctx, err)
	}
	return false, giveWay(ctx, conflictPause)
}
