package budget

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// seenKey is where it is kept when the organisation's meetings were last listed.
	seenKey = "seen"
	// officePart is the part of the busiest hour's calls that makes an hour of the week one of office hours.
	officePart = 0.25
	// seenEvery is how often it is stored that they were.
	seenEvery = time.Minute
	// longestUnseen bounds how far back office hours are counted.
	longestUnseen = 4 * week * time.Hour
)

// Sight knows when the organisation's live meetings were last listed by any replica, and how much of the time since then was
// office hours, as learned. It is safe for concurrent use.
type Sight struct {
	store    *store
	location *time.Location
	now      func() time.Time

	mu     sync.Mutex
	stored time.Time // what was last stored here
}

// SightOptions configure [OpenSight]. The zero value works.
type SightOptions struct {
	// Location is where offices are open; nil means China Standard Time.
	Location *time.Location
	// Replicas is how many NATS servers keep it; 0 means 1.
	Replicas int
	// Now is this machine's clock; nil means time.Now. Those of the replicas may differ by minutes.
	Now func() time.Time
}

// sighted is what is stored.
type sighted struct {
	At int64 `json:"at"` // Unix milliseconds
}

// OpenSight opens what is known. It does not take over conn.
func OpenSight(ctx context.Context, conn *nats.Conn, o SightOptions) (*Sight, error) {
	o.Location, o.Now = cmp.Or(o.Location, china), clockOr(o.Now)
	s, err := openStore(ctx, conn, max(o.Replicas, 1))
	if err != nil {
		return nil, fmt.Errorf("budget: opening when meetings were last listed: %w", err)
	}
	return &Sight{store: s, location: o.Location, now: o.Now}, nil
}

// Unseen returns when the meetings were last listed, and how much of the time since then was office hours. The time is zero
// when they never were.
func (s *Sight) Unseen(ctx context.Context) (last time.Time, office time.Duration, err error) {
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	var seen sighted
	if _, err := s.store.load(ctx, seenKey, &seen); err != nil || seen.At == 0 {
		return time.Time{}, 0, err
	}
	h := new(habits)
	if _, err := s.store.load(ctx, habitsKey, h); err != nil {
		return time.Time{}, 0, err
	}
	last = time.UnixMilli(seen.At).In(s.location)
	now := s.now().In(s.location)
	weights := h.weigh()
	return last, officeTime(&weights, later(last, now.Add(-longestUnseen)), now), nil
}

// Saw takes note that the meetings were just listed. It is stored once a minute.
func (s *Sight) Saw(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if since := now.Sub(s.stored); since >= 0 && since < seenEvery {
		return nil
	}
	ctx, cancel := natsTimeout(ctx)
	defer cancel()
	err := untilFirst(ctx, func() error {
		var seen sighted
		revision, err := s.store.load(ctx, seenKey, &seen)
		if err != nil {
			return err
		}
		seen.At = max(seen.At, now.UnixMilli())
		_, err = s.store.save(ctx, seenKey, &seen, revision)
		return err
	})
	if err == nil {
		s.stored = now
	}
	return err
}

// officeTime returns how much of the time between two times was office hours.
func officeTime(weights *[week]float64, from, to time.Time) time.Duration {
	busiest := 0.0
	for _, w := range weights {
		busiest = max(busiest, w)
	}
	var sum time.Duration
	for t, long := range clockHours(from, to) {
		if weights[slot(t)] >= officePart*busiest {
			sum += long
		}
	}
	return sum
}
