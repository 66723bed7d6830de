// Package feed hands the events on, as they are stored, to any number of readers. What it keeps for
// them does not grow with their number, nor with how slow they are.
package feed

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
)

// kept is how many of the latest events are kept for readers that are a little behind. One that is
// further behind than that while it reads is cut off; it may come back and read what it missed from
// the stream.
const kept = 4096

var (
	// ErrTooSlow says that a reader did not keep up. It may subscribe again after the last event it
	// read.
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
	ID       string // the CloudEvent's; empty of what is no event, and of what History tells
}

// entry is an event that is kept.
type entry struct {
	Event
	epoch int
	again bool  // it came before, and is announced anew after a loss of what was stored
	first place // where it came first
}

// place is where an event came.
type place struct {
	epoch    int
	sequence uint64
}

// Filter says which events a reader wants: all of them unless told otherwise.
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
	// Follow calls each for every event stored from now on, in order and exactly once, until ctx
	// ends or each fails. Before, it calls began with the sequence after which it follows, and
	// again whenever the stream turns out to be another of its name, or to have gone back to a
	// backup.
	Follow(ctx context.Context, began func(after uint64), each func(Event) error) error
	// History calls each for every event stored after a sequence and up to another that the filter
	// picks.
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

	mu    sync.Mutex
	ring  [kept]entry
	count uint64 // events that have come, all in all; the newest is in ring[(count-1)%kept]
	// Counts the streams that were followed, one in place of the other; 0 before the first.
	epoch   int
	start   uint64 // the sequence after which the epoch began
	base    uint64 // count when the epoch began
	used    uint64 // sequences up to this one were handed out in an epoch before, too
	since   int64  // when the epoch began, Unix seconds
	recent  reading.Recent[place]
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
	err := f.stream.Follow(ctx, f.begin, f.add)
	if ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("following the events: %w", err)
}

// begin begins an epoch: what comes is stored after a sequence, and what came before may be another
// stream's.
func (f *Feed) begin(after uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.epoch > 0 {
		f.used = max(f.used, f.newest())
	}
	f.start, f.base, f.since = after, f.count, time.Now().Unix()
	f.epoch++
}

// add takes an event in and wakes the readers that wait for it.
func (f *Feed) add(e Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	next := entry{Event: e, epoch: f.epoch}
	if e.ID != "" {
		next.first, next.again = f.recent.Note(e.ID, place{f.epoch, e.Sequence})
	}
	f.ring[f.count%kept] = next
	f.count++
	close(f.news)
	f.news = make(chan struct{})
	return nil
}

// newest is the sequence of the newest event of the epoch that has come. The caller holds mu.
func (f *Feed) newest() uint64 {
	if f.count == f.base {
		return f.start
	}
	return f.ring[(f.count-1)%kept].Sequence
}

// oldest is the sequence from which on, itself left out, every event of the epoch is in the ring.
// The caller holds mu.
func (f *Feed) oldest() uint64 {
	if f.count-f.base <= kept {
		return f.start
	}
	return f.ring[f.count%kept].Sequence
}
