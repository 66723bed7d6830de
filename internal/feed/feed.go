// Package feed hands the events on, as they are stored, to any number of readers. What it keeps for them does not grow
// with their number, nor with how slow they are.
package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/c4342123/rollcall/events"
)

// kept is how many of the latest events are kept for readers that are a little behind. One that is further behind than
// that while it reads is cut off; it may come back and read what it missed from the stream.
const kept = 4096

var (
	// ErrTooSlow says that a reader did not keep up. It may subscribe again after the last event it read.
	ErrTooSlow = errors.New("the reader is too slow")
	// ErrNotReady says that the events are not being followed yet.
	ErrNotReady = errors.New("not ready: the events are not followed yet")
	// ErrTooMany says that there are as many readers as there may be.
	ErrTooMany = errors.New("too many readers")
)

// Event is one stored event.
type Event struct {
	Sequence uint64 // in the stream
	Meeting  string // the id of the meeting it is about; empty of what is not ours
	Type     events.Type
	Payload  []byte // the CloudEvent; not to be changed
}

// Filter says which events somebody wants to read: all of them unless told otherwise.
type Filter struct {
	Meeting string        // only this meeting's
	Types   []events.Type // only these types
}

func (f *Filter) picks(e *Event) bool {
	return (f.Meeting == "" || f.Meeting == e.Meeting) && (len(f.Types) == 0 || slices.Contains(f.Types, e.Type))
}

// Stream is where events are stored.
type Stream interface {
	// Last returns the sequence of the newest message, which need not be an event.
	Last(ctx context.Context) (uint64, error)
	// Follow calls each for every event stored after a sequence, in order and exactly once, until ctx ends or each fails.
	Follow(ctx context.Context, after uint64, each func(Event) error) error
	// History calls each for every event stored after a sequence and up to another that the filter picks.
	History(ctx context.Context, filter Filter, after, until uint64, each func(Event) error) error
}

// Options of a [Feed]. Stream is required.
type Options struct {
	Stream Stream
	// Readers bounds how many may read at once; 1000 when 0.
	Readers int
}

// Feed is the latest events, and who reads them.
type Feed struct {
	stream  Stream
	maximum int
	// catching bounds how many readers read old events from the stream at once.
	catching chan struct{}

	mu      sync.Mutex
	ring    [kept]Event
	count   uint64        // events that have come, all in all; the newest is in ring[(count-1)%kept]
	start   uint64        // the sequence after which the feed began
	epoch   int           // counts the streams that were followed, one in place of the other; 0 before the first
	news    chan struct{} // closed when the next event comes
	readers int
}

// catchers is how many readers read old events at once.
const catchers = 16

// New returns a feed that has nothing to hand on until it is run.
func New(opts Options) *Feed {
	if opts.Readers == 0 {
		opts.Readers = 1000
	}
	return &Feed{
		stream: opts.Stream, maximum: opts.Readers, catching: make(chan struct{}, catchers), news: make(chan struct{}),
	}
}

// Run follows the events until ctx ends, and returns nil then.
func (f *Feed) Run(ctx context.Context) error {
	last, err := f.stream.Last(ctx)
	if err == nil {
		f.begin(last)
		err = f.stream.Follow(ctx, last, f.add)
	}
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("following the events: %w", err)
}

func (f *Feed) begin(after uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.restart(after)
}

// restart begins anew after a sequence: what came before is another stream's. The caller holds mu.
func (f *Feed) restart(after uint64) {
	f.start, f.count = after, 0
	f.epoch++
}

// add takes an event in and wakes who waits for it.
func (f *Feed) add(e Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.Sequence <= f.newest() { // another stream took the place of the one before
		f.restart(e.Sequence - 1)
	}
	f.ring[f.count%kept] = e
	f.count++
	close(f.news)
	f.news = make(chan struct{})
	return nil
}

// newest is the sequence of the newest event that has come. The caller holds mu.
func (f *Feed) newest() uint64 {
	if f.count == 0 {
		return f.start
	}
	return f.ring[(f.count-1)%kept].Sequence
}

// oldest is the sequence from which on, itself left out, every event is in the ring. The caller holds mu.
func (f *Feed) oldest() uint64 {
	if f.count <= kept {
		return f.start
	}
	return f.ring[f.count%kept].Sequence
}
