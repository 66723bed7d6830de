package month

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// store keeps in memory what is stored, by compare-and-set. Of an event that is stored it keeps
// what is compared.
type store struct {
	mu      sync.Mutex
	last    uint64
	records map[string]diff.Record
	told    map[string][]told // by meeting
	gaps    int
	news    []change      // every state that was stored
	grown   chan struct{} // closed when there is more
}

// change is that a state was stored.
type change struct {
	id       string
	revision uint64
}

// told is an event that was stored, and when.
type told struct {
	who      string
	what     events.Type
	reason   events.Reason
	inferred bool
	at       int64
	recorded int64
}

var (
	_ poller.Store    = (*store)(nil)
	_ poller.Follower = (*store)(nil)
)

// Position implements [poller.Follower].
func (s *store) Position(context.Context) (diff.Position, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return diff.Position{Sequence: s.last}, nil
}

// Follow implements [poller.Follower].
func (s *store) Follow(ctx context.Context, after diff.Position, tell func(string, diff.Position)) error {
	for next := 0; ; {
		s.mu.Lock()
		fresh, grown := s.news[next:], s.grown
		next = len(s.news)
		s.mu.Unlock()
		for _, c := range fresh {
			if c.revision > after.Sequence {
				tell(c.id, diff.Position{Sequence: c.revision})
			}
		}
		select {
		case <-grown:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func newStore() *store {
	return &store{records: map[string]diff.Record{}, told: map[string][]told{}, grown: make(chan struct{})}
}

// All implements [poller.Store].
func (s *store) All(context.Context, ...int) iter.Seq2[diff.Record, error] {
	return func(func(diff.Record, error) bool) {}
}

// Load implements [poller.Store].
func (s *store) Load(_ context.Context, id string) (diff.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.records[id]; ok {
		return r, nil
	}
	return diff.Record{State: diff.New(id)}, nil
}

// Update implements [poller.Store].
func (s *store) Update(ctx context.Context, base diff.Record, want diff.Intent) (diff.Record, diff.Result, error) {
	for {
		res := want.Apply(base.State)
		if len(res.Events) == 0 && !res.Changed {
			return diff.Record{State: res.State, Revision: base.Revision}, res, nil
		}
		if record, ok := s.swap(base, res); ok {
			return record, res, nil
		}
		base, _ = s.Load(ctx, base.State.ConferenceID)
	}
}

func (s *store) swap(base diff.Record, res diff.Result) (diff.Record, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := base.State.ConferenceID
	if s.records[id].Revision != base.Revision {
		return base, false
	}
	s.last++
	s.records[id] = diff.Record{State: res.State, Revision: s.last}
	s.news = append(s.news, change{id, s.last})
	close(s.grown)
	s.grown = make(chan struct{})
	for i := range res.Events {
		s.keep(id, &res.Events[i])
	}
	return s.records[id], true
}

func (s *store) keep(id string, e *events.Event) {
	t := told{what: e.Type, at: e.Time.UnixMilli(), recorded: time.Now().UnixMilli()}
	switch {
	case e.Gap != nil:
		if e.Gap.To == 0 {
			s.gaps++
		}
		return
	case e.Member != nil:
		t.who, t.reason, t.inferred = e.Subject, e.Member.Reason, e.Member.Inferred
		if e.Member.UnionID == "" {
			t.who = guest(e.Member.UserNick)
		}
	}
	s.told[id] = append(s.told[id], t)
}

// bucket is a bucket in memory, as far as the count of the month's calls needs one.
type bucket struct {
	jetstream.KeyValue

	mu     sync.Mutex
	values map[string]entry
}

type entry struct {
	jetstream.KeyValueEntry
	value    []byte
	revision uint64
}

func (e entry) Value() []byte    { return e.value }
func (e entry) Revision() uint64 { return e.revision }

// Get implements [jetstream.KeyValue].
func (b *bucket) Get(_ context.Context, key string) (jetstream.KeyValueEntry, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.values[key]
	if !ok {
		return nil, jetstream.ErrKeyNotFound
	}
	return e, nil
}

// Create implements [jetstream.KeyValue].
func (b *bucket) Create(ctx context.Context, key string, value []byte, _ ...jetstream.KVCreateOpt) (uint64, error) {
	return b.Update(ctx, key, value, 0)
}

// Update implements [jetstream.KeyValue].
func (b *bucket) Update(_ context.Context, key string, value []byte, revision uint64) (uint64, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.values[key].revision != revision {
		return 0, jetstream.ErrKeyRevisionMismatch
	}
	b.values[key] = entry{value: value, revision: revision + 1}
	return revision + 1, nil
}
