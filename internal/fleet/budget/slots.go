package budget

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/c4342123/rollcall/internal/base/pause"
)

// slotKey is the key that is changed to take a slot.
const slotKey = "turn"

// Slots lets the replicas call one after the other, where there are so many of them that the rate
// is less than about a call per replica and second: shares of their own would let all of them call
// at the same moment. It is safe for concurrent use.
//
// A slot is the right to make the next call, and is taken by changing one key. The replica that
// changes it has known for the time between two calls that no other did: so slots are at least that
// far apart, without any clock being asked for the time of day.
type Slots struct {
	store   *store
	taking  chan struct{} // held by the call that takes a slot
	known   bool
	last    uint64    // revision of the last slot
	noticed time.Time // when last was seen, which is after it was taken
}

// OpenSlots opens what the replicas share, on as many NATS servers as replicas says; 0 means 1. It
// does not take over conn.
func OpenSlots(ctx context.Context, conn *nats.Conn, replicas int) (*Slots, error) {
	shared, err := openStore(ctx, conn, max(replicas, 1))
	if err != nil {
		return nil, fmt.Errorf("budget: opening the turns: %w", err)
	}
	return &Slots{store: shared, taking: make(chan struct{}, 1)}, nil
}

// wait returns when this replica has a slot; every is the time between two of them.
func (s *Slots) wait(ctx context.Context, every time.Duration) error {
	select {
	case s.taking <- struct{}{}:
		defer func() { <-s.taking }()
	case <-ctx.Done():
		return ctx.Err()
	}
	for {
		if err := s.notice(ctx); err != nil {
			return err
		}
		if !pause.For(ctx, time.Until(s.noticed.Add(every))) {
			return ctx.Err()
		}
		taken, err := s.take(ctx)
		if taken || err != nil {
			return err
		}
	}
}

// notice reads which slot was the last, unless that is known.
func (s *Slots) notice(ctx context.Context) error {
	if s.known {
		return nil
	}
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	revision, err := s.store.load(ctx, slotKey, new(struct{}))
	if err != nil {
		return uncounted(ctx, err)
	}
	if revision != s.last || s.noticed.IsZero() {
		s.last, s.noticed = revision, time.Now()
	}
	s.known = true
	return nil
}

// take takes the slot, unless another replica has.
func (s *Slots) take(ctx context.Context) (bool, error) {
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	revision, err := s.store.save(ctx, slotKey, struct{}{}, s.last)
	if err == nil {
		s.last, s.noticed = revision, time.Now()
		return true, nil
	}
	s.known = false
	if !errors.Is(err, errConflict) {
		return false, uncounted(ctx, err)
	}
	return false, giveWay(ctx, conflictPause)
}
