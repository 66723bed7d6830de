package push

import (
	"context"
	"sync"
)

// DefaultRemembered is how many pushes [NewOnce] remembers unless told otherwise.
const DefaultRemembered = 4096

// Once keeps repeated pushes from a receiver: those with the ID of one that it has stored before.
// It is an optimisation and nothing depends on it, as comparing a push twice changes nothing: it
// saves the calls of the month's quota that are spent on looks at a member list, when DingTalk
// repeats a push or somebody replays a recorded one. What is remembered is bounded, and not shared
// between replicas. It is safe for concurrent use.
type Once struct {
	next Receiver

	mu     sync.Mutex
	stored map[key]struct{}
	ring   []key // the oldest at place
	place  int
	max    int
}

// key identifies a push. Type, time, scene and meeting stand beside the ID in case that is not as
// unique as it is said to be.
type key struct {
	id, kind, conferenceID string
	scene                  Scene
	time                   int64
}

// NewOnce puts a memory of so many pushes in front of a receiver; 0 means [DefaultRemembered].
func NewOnce(next Receiver, remember int) *Once {
	if remember <= 0 {
		remember = DefaultRemembered
	}
	return &Once{next: next, max: remember, stored: map[key]struct{}{}}
}

// Receive implements [Receiver]. Two copies of a push at the same time are both handed on.
func (o *Once) Receive(ctx context.Context, p Push) error {
	if p.ID == "" || len(p.Notices) == 0 {
		return o.next.Receive(ctx, p)
	}
	k := key{id: p.ID, kind: p.Type, conferenceID: p.Notices[0].ConferenceID, scene: p.Notices[0].Scene, time: p.Time}
	if o.has(k) {
		return nil
	}
	if err := o.next.Receive(ctx, p); err != nil {
		return err
	}
	o.add(k)
	return nil
}

func (o *Once) has(k key) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	_, known := o.stored[k]
	return known
}

func (o *Once) add(k key) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, known := o.stored[k]; known {
		return
	}
	if len(o.ring) < o.max {
		o.ring = append(o.ring, k)
	} else {
		delete(o.stored, o.ring[o.place])
		o.ring[o.place] = k
		o.place = (o.place + 1) % o.max
	}
	o.stored[k] = struct{}{}
}
