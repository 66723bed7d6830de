package poller_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

type (
	listFunc = func(ctx context.Context, id string) (poller.List, error)
	infoFunc = func(ctx context.Context, id string) (poller.Info, error)
)

// fakeSource is a source of function fields. It keeps when it was called and notices two calls for one meeting at once.
type fakeSource struct {
	mu       sync.Mutex
	members  listFunc
	info     infoFunc
	start    time.Time
	lists    []call
	infos    []call
	inside   map[string]int
	overlaps int
}

type call struct {
	id string
	at time.Duration // since the start
}

var _ poller.Source = (*fakeSource)(nil)

func (f *fakeSource) Members(ctx context.Context, id string) (poller.List, error) {
	defer f.leave(id)
	return enter(f, &f.members, &f.lists, id)(ctx, id)
}

func (f *fakeSource) Info(ctx context.Context, id string) (poller.Info, error) {
	defer f.leave(id)
	return enter(f, &f.info, &f.infos, id)(ctx, id)
}

func enter[F any](f *fakeSource, fn *F, log *[]call, id string) F {
	f.mu.Lock()
	defer f.mu.Unlock()
	*log = append(*log, call{id, time.Since(f.start)})
	if f.inside[id]++; f.inside[id] > 1 {
		f.overlaps++
	}
	return *fn
}

func (f *fakeSource) leave(id string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.inside[id]--
}

// onList and onInfo say how the source answers from now on.
func (f *fakeSource) onList(fn listFunc) { set(f, &f.members, fn) }
func (f *fakeSource) onInfo(fn infoFunc) { set(f, &f.info, fn) }

func set[F any](f *fakeSource, field *F, fn F) {
	f.mu.Lock()
	defer f.mu.Unlock()
	*field = fn
}

// listCalls and infoCalls tell when a meeting was asked about.
func (f *fakeSource) listCalls(id string) []time.Duration { return f.times(&f.lists, id) }
func (f *fakeSource) infoCalls(id string) []time.Duration { return f.times(&f.infos, id) }

func (f *fakeSource) times(log *[]call, id string) []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []time.Duration
	for _, c := range *log {
		if c.id == id {
			out = append(out, c.at)
		}
	}
	return out
}

// reads counts the lists that were read, by meeting.
func (f *fakeSource) reads() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]int{}
	for _, c := range f.lists {
		out[c.id]++
	}
	return out
}

func (f *fakeSource) calls() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.lists) + len(f.infos)
}

// newSource is a source of meetings that go on and where nobody is.
func newSource() *fakeSource {
	return &fakeSource{
		start: time.Now(), inside: map[string]int{},
		members: func(context.Context, string) (poller.List, error) { return poller.List{Certain: true}, nil },
		info:    func(context.Context, string) (poller.Info, error) { return poller.Info{}, nil },
	}
}

// trouble is a failure of upstream.
func trouble(kind poller.Trouble) error {
	return &poller.SourceError{Trouble: kind, Err: errors.New("as the test says")}
}

func troubleFor(kind poller.Trouble, wait time.Duration) error {
	return &poller.SourceError{Trouble: kind, Wait: wait, Err: errors.New("as the test says")}
}

// list answers with rows, whoever asks.
func list(rows ...diff.Row) listFunc {
	return func(context.Context, string) (poller.List, error) {
		return poller.List{Rows: slices.Clone(rows), Certain: true}, nil
	}
}

func failList(err error) listFunc {
	return func(context.Context, string) (poller.List, error) { return poller.List{}, err }
}

func failInfo(err error) infoFunc {
	return func(context.Context, string) (poller.Info, error) { return poller.Info{}, err }
}

// present and gone are rows. Times are seconds after the year 2000, when the bubbles' clocks begin.
func present(who string, joined int64) diff.Row {
	return diff.Row{UnionID: who, UserNick: who, JoinTime: second(joined), Status: diff.StatusActive}
}

func gone(who string, joined, left int64) diff.Row {
	return diff.Row{UnionID: who, UserNick: who, JoinTime: second(joined), LeaveTime: second(left), Status: diff.StatusLeft}
}

func second(s int64) int64 { return 946684800_000 + 1000*s }

// hooks may fail what is asked of a store, or be somebody else who writes. They are called without its lock.
type hooks struct {
	beforeCommit func(id string) error // an error keeps the commit from being stored
	afterCommit  func(id string) error // an error says nothing of what was stored
	beforeLoad   func(id string) error
}

// memStore is a store in memory with compare-and-set. Its hooks may fail what is asked of it, or be somebody else.
type memStore struct {
	mu      sync.Mutex
	last    uint64
	records map[string]diff.Record
	stored  []events.Event
	loads   int

	hooks hooks
	all   func(ctx context.Context) iter.Seq2[diff.Record, error]
}

var _ poller.Store = (*memStore)(nil)

func newStore() *memStore { return &memStore{records: map[string]diff.Record{}} }

func (s *memStore) All(ctx context.Context) iter.Seq2[diff.Record, error] {
	if s.all != nil {
		return s.all(ctx)
	}
	return func(yield func(diff.Record, error) bool) {
		s.mu.Lock()
		records := make([]diff.Record, 0, len(s.records))
		for _, r := range s.records {
			records = append(records, r)
		}
		s.mu.Unlock()
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

func (s *memStore) Update(ctx context.Context, base diff.Record, compare func(*diff.State) diff.Result) (diff.Record, diff.Result, error) {
	for {
		res := compare(base.State)
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
	if ctx.Err() != nil {
		return base, ctx.Err()
	}
	if err := run(s.with().beforeCommit, id); err != nil {
		return base, err
	}
	record, err := s.swap(base, res)
	if err == nil {
		err = run(s.with().afterCommit, id)
	}
	return record, err
}

func (s *memStore) swap(base diff.Record, res diff.Result) (diff.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := base.State.ConferenceID
	if s.records[id].Revision != base.Revision {
		return base, errConflict
	}
	s.last++
	s.records[id] = diff.Record{State: res.State, Revision: s.last}
	s.stored = append(s.stored, res.Events...)
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
		if e.ConferenceID() == id {
			out = append(out, fmt.Sprintf("%d %s %s", e.Sequence, e.Member.Reason, e.Subject))
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
	s.records[state.ConferenceID] = diff.Record{State: state, Revision: s.last}
}

// world is a poller in a bubble, with what it works on.
type world struct {
	*testing.T
	source *fakeSource
	store  *memStore
	poller *poller.Poller
	ctx    context.Context
	stop   func() // ends Run and waits for it
}

// inWorld runs a test in a bubble of synthetic time, with a poller that runs. set prepares the world before that.
func inWorld(t *testing.T, opts poller.Options, test func(w *world), set ...func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, source: newSource(), store: newStore()}
		for _, f := range set {
			f(w)
		}
		w.run(opts)
		<-w.poller.Ready()
		test(w)
		w.stop()
		assert.Zero(t, w.source.overlaps, "a meeting was looked at twice at the same time")
	})
}

func (w *world) run(opts poller.Options) {
	p, err := poller.New(w.source, w.store, opts)
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	w.poller, w.ctx = p, ctx
	w.stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(w, <-done)
	})
}

func (w *world) watch(ids ...string) {
	w.Helper()
	for _, id := range ids {
		_, err := w.poller.Watch(w.ctx, id, "")
		require.NoError(w, err)
	}
}

// sleep lets synthetic time pass and waits until everything is quiet.
func (w *world) sleep(d time.Duration) {
	time.Sleep(d) // synthetic: the bubble's clock
	synctest.Wait()
}

// elapsed is the synthetic time since the bubble began.
func (w *world) elapsed() time.Duration { return time.Since(w.source.start) }

func (w *world) watched(id string) bool {
	_, _, err := w.poller.Meeting(id)
	return err == nil
}

// until lets time pass until something is so, a second at most beyond which it fails.
func (w *world) until(limit time.Duration, what string, so func() bool) time.Duration {
	w.Helper()
	began := time.Now()
	for !so() {
		if time.Since(began) > limit {
			require.Fail(w, "too late", "%s: not within %v", what, limit)
		}
		w.sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// names returns n meetings.
func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("m%05d", i)
	}
	return out
}

func watchedIDs(p *poller.Poller) []string {
	out := []string{}
	for _, s := range p.Meetings() {
		out = append(out, s.ConferenceID)
	}
	return out
}
