package poller_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// hooks may fail what is asked of a store, or be somebody else who writes. They are called without
// its lock.
type hooks struct {
	beforeCommit func(id string) error // an error keeps the commit from being stored
	afterCommit  func(id string) error // an error says nothing of what was stored
	beforeLoad   func(id string) error
	beat         func() error
	follow       func(string) error
}

// memStore is a store in memory with compare-and-set. Its hooks may fail what is asked of it, or be
// somebody else.
type memStore struct {
	mu      sync.Mutex
	last    uint64
	records map[string]diff.Record
	listed  map[string]struct{} // by all
	stored  []events.Event
	batch   int // events that are stored at once at most; 0 for any number
	loads   int
	alive   [events.Shards]time.Time

	hooks hooks
	all   func(ctx context.Context, shards ...int) iter.Seq2[diff.Record, error]

	heard []change // every state that was stored, in order
	grown chan struct{}
	from  []uint64  // where Follow was asked to begin, each time
	born  time.Time // when the stream was made
}

var (
	_ poller.Store    = (*memStore)(nil)
	_ poller.Follower = (*memStore)(nil)
	_ poller.Pulse    = (*memStore)(nil)
)

// change is that a state was stored.
type change struct {
	id       string
	revision uint64
}

// Beat implements [poller.Pulse].
func (s *memStore) Beat(_ context.Context, shards ...int) error {
	if beat := s.with().beat; beat != nil {
		if err := beat(); err != nil {
			return err
		}
	}
	return s.beats(shards...)
}

// beats is a beat of some shards, which cannot fail.
func (s *memStore) beats(shards ...int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, shard := range shards {
		s.alive[shard] = time.Now()
	}
	return nil
}

// LastBeats implements [poller.Pulse].
func (s *memStore) LastBeats(context.Context) ([events.Shards]time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive, nil
}

func newStore() *memStore {
	return &memStore{records: map[string]diff.Record{}, listed: map[string]struct{}{}, grown: make(chan struct{}), born: time.Now()}
}

// Position implements [poller.Follower].
func (s *memStore) Position(context.Context) (diff.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return diff.Position{Stream: s.born, Sequence: s.last}, nil
}

// Follow implements [poller.Follower].
func (s *memStore) Follow(ctx context.Context, after diff.Position, tell func(string, diff.Position)) error {
	s.mu.Lock()
	s.from = append(s.from, after.Sequence)
	born, last := s.born, s.last
	s.mu.Unlock()
	if !after.Stream.IsZero() && !born.Equal(after.Stream) || last < after.Sequence {
		return diff.ErrAnew
	}
	for next := 0; ; {
		s.mu.Lock()
		fresh, grown := s.heard[next:], s.grown
		next = len(s.heard)
		s.mu.Unlock()
		for _, c := range fresh {
			if c.revision > after.Sequence {
				tell(c.id, diff.Position{Stream: born, Sequence: c.revision})
			}
		}
		if err := run(s.with().follow, ""); err != nil {
			return err
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// tellOf wakes those who follow; it is called under the lock.
func (s *memStore) tellOf(id string) {
	s.heard = append(s.heard, change{id, s.last})
	close(s.grown)
	s.grown = make(chan struct{})
}

func (s *memStore) All(ctx context.Context, shards ...int) iter.Seq2[diff.Record, error] {
	if s.all != nil {
		return s.noting(s.all(ctx, shards...))
	}
	return func(yield func(diff.Record, error) bool) {
		s.mu.Lock()
		records := make([]diff.Record, 0, len(s.records))
		for id, r := range s.records {
			if len(shards) == 0 || slices.Contains(shards, events.Shard(id)) {
				records = append(records, r)
			}
		}
		s.mu.Unlock()
		slices.SortFunc(records, func(a, b diff.Record) int { // as in a stream
			return cmp.Or(cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.State.ConferenceID, b.State.ConferenceID))
		})
		for _, r := range records {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (s *memStore) Load(ctx context.Context, id string) (diff.Record, error) {
	if ctx.Err() != nil {
		return diff.Record{}, ctx.Err()
	}
	if err := run(s.with().beforeLoad, id); err != nil {
		return diff.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.loads++
	if r, ok := s.records[id]; ok {
		return r, nil
	}
	return diff.Record{State: diff.New(id)}, nil
}

var errConflict = errors.New("conflict")

func (s *memStore) Update(ctx context.Context, base diff.Record, want diff.Intent) (diff.Record, diff.Result, error) {
	for {
		res := want.Apply(base.State)
		record, err := s.commit(ctx, base, res)
		if !errors.Is(err, errConflict) {
			return record, res, err
		}
		if base, err = s.Load(ctx, base.State.ConferenceID); err != nil {
			return base, res, err
		}
	}
}

func (s *memStore) commit(ctx context.Context, base diff.Record, res diff.Result) (diff.Record, error) {
	id := base.State.ConferenceID
	if len(res.Events) == 0 && !res.Changed {
		return diff.Record{State: res.State, Revision: base.Revision}, nil
	}
	for _, step := range res.Steps(cmp.Or(s.batch, len(res.Events))) {
		if ctx.Err() != nil {
			return base, ctx.Err()
		}
		if err := run(s.with().beforeCommit, id); err != nil {
			return base, err
		}
		if ctx.Err() != nil { // it took too long
			return base, ctx.Err()
		}
		record, err := s.swap(base, step)
		if err == nil {
			err = run(s.with().afterCommit, id)
		}
		if err != nil {
			return record, err
		}
		base = record
	}
	return base, nil
}

func (s *memStore) swap(base diff.Record, res diff.Step) (diff.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := base.State.ConferenceID
	if s.records[id].Revision != base.Revision {
		return base, errConflict
	}
	s.last++
	s.records[id] = diff.Record{State: res.State, Revision: s.last}
	s.stored = append(s.stored, res.Events...)
	s.tellOf(id)
	return s.records[id], nil
}

func run(hook func(string) error, id string) error {
	if hook == nil {
		return nil
	}
	return hook(id)
}

// on sets the hooks, with returns them.
func (s *memStore) on(h hooks) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hooks = h
}

func (s *memStore) with() hooks {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.hooks
}

// events tells what is stored of a meeting: "2 left ann (meeting_ended)".
func (s *memStore) events(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	for _, e := range s.stored {
		if e.ConferenceID() == id && e.Member != nil {
			out = append(out, fmt.Sprintf("%d %s %s", e.Sequence, e.Member.Reason, e.Subject))
		}
	}
	return out
}

// list returns what is stored.
func (s *memStore) list() []events.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.stored)
}

// life tells what is stored of the meeting itself: "started", "gap throttled", "gap throttled of
// 1m0s", "ended closed".
func (s *memStore) life(id string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := []string{}
	for _, e := range s.stored {
		switch {
		case e.ConferenceID() != id:
		case e.Type == events.MeetingStarted:
			out = append(out, "started")
		case e.Type == events.MeetingUpdated:
			out = append(out, "updated "+string(e.Meeting.Reason))
		case e.Type == events.MeetingEnded:
			out = append(out, "ended "+e.Meeting.Reason)
		case e.Gap != nil && e.Gap.To == 0:
			out = append(out, "gap "+e.Gap.Reason)
		case e.Gap != nil:
			out = append(out, fmt.Sprintf("gap %s of %v", e.Gap.Reason, time.Duration(e.Gap.To-e.Gap.From)*time.Millisecond))
		}
	}
	return out
}

func (s *memStore) state(id string) *diff.State {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[id].State
}

// put stores a state as somebody else would.
func (s *memStore) put(state *diff.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.records[state.ConferenceID] = diff.Record{State: state.WithPhase(state.Phase), Revision: s.last}
	s.tellOf(state.ConferenceID)
}

// loadCount tells how many states were read one by one.
func (s *memStore) loadCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loads
}

// backup returns what is stored, for restore.
func (s *memStore) backup() *memStore {
	s.mu.Lock()
	defer s.mu.Unlock()
	return &memStore{records: maps.Clone(s.records), stored: slices.Clone(s.stored)}
}

// restore has no more stored than was, though the sequence has come further by so many messages.
func (s *memStore) restore(from *memStore, more uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records, s.stored, s.last = from.records, from.stored, s.last+more
}

// noting passes records on, and notes that they are stored.
func (s *memStore) noting(records iter.Seq2[diff.Record, error]) iter.Seq2[diff.Record, error] {
	return func(yield func(diff.Record, error) bool) {
		for r, err := range records {
			if err == nil {
				s.mu.Lock()
				s.listed[r.State.ConferenceID] = struct{}{}
				s.mu.Unlock()
			}
			if !yield(r, err) {
				return
			}
		}
	}
}

// Stored implements [poller.Auditor].
func (s *memStore) Stored(_ context.Context, shard int) (map[string]struct{}, uint64, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string]struct{}{}
	for id := range s.records {
		if events.Shard(id) == shard {
			out[id] = struct{}{}
		}
	}
	for id := range s.listed {
		if events.Shard(id) == shard {
			out[id] = struct{}{}
		}
	}
	return out, 0, nil
}

// Barrier implements [poller.Auditor].
func (s *memStore) Barrier(context.Context) error { return nil }

// active is how many people are in a meeting, as stored.
func (s *memStore) active(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.records[id].State.Active
}
