package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

const patience = 30 * time.Second

// memory is a stream in memory. Every second sequence is a message of something else.
type memory struct {
	mu      sync.Mutex
	stored  []Event
	changed chan struct{}
	failing error // of History
	streams int   // how many were replaced
	forked  uint64
}

func newMemory() *memory { return &memory{changed: make(chan struct{})} }

// payload is an event of a meeting.
func payload(t testing.TB, meeting string, n uint64) []byte {
	t.Helper()
	at := time.UnixMilli(1_700_000_000_000)
	text, err := events.Encode(events.Event{
		ID: "5a4aa9ec-2a3f-5c8f-8d0f-6c7e2a3f4b1d", Source: events.Source("corp", meeting), Type: events.Joined, Subject: "ann",
		Time: at, RecordedTime: at, Sequence: n, Member: &events.Member{ConferenceID: meeting, UnionID: "ann"},
	})
	require.NoError(t, err)
	return text
}

// put stores an event of a meeting and returns its sequence.
func (m *memory) put(t testing.TB, meeting string) uint64 {
	t.Helper()
	return m.putAs(t, meeting, "")
}

// putAs is put for an event that may be announced anew.
func (m *memory) putAs(t testing.TB, meeting, id string) uint64 {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	sequence := uint64(2*len(m.stored) + 2)
	m.stored = append(m.stored, Event{
		Sequence: sequence, Meeting: meeting, Type: events.Joined, Payload: payload(t, meeting, sequence), ID: id,
	})
	close(m.changed)
	m.changed = make(chan struct{})
	return sequence
}

// replace makes another stream of it, or has it go back to its first events.
func (m *memory) replace(left int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.stored = m.stored[:left:left]
	m.streams++
	m.forked = uint64(2*left + 1)
	close(m.changed)
	m.changed = make(chan struct{})
}

func (m *memory) forkedAfter() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.forked
}

func (m *memory) Last(context.Context) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return uint64(2*len(m.stored) + 1), nil
}

func (m *memory) from(after uint64) ([]Event, int, chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.stored[min(int(after)/2, len(m.stored)):], m.streams, m.changed
}

func (m *memory) Follow(ctx context.Context, began func(after uint64), each func(Event) error) error {
	after, _ := m.Last(ctx)
	_, stream, _ := m.from(after)
	began(after)
	for {
		found, current, changed := m.from(after)
		if current != stream {
			after, stream = m.forkedAfter(), current
			began(after)
			continue
		}
		for _, e := range found {
			if err := each(e); err != nil {
				return err
			}
			after = e.Sequence
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (m *memory) History(_ context.Context, filter Filter, after, until uint64, each func(Event) error) error {
	if m.failing != nil {
		return m.failing
	}
	found, _, _ := m.from(after)
	for _, e := range found {
		if e.Sequence > until {
			return nil
		}
		if filter.picks(&e) {
			if err := each(e); err != nil {
				return err
			}
		}
	}
	return nil
}

// run runs a feed of the stream until the test ends.
func run(t *testing.T, m *memory, readers int) *Feed {
	t.Helper()
	f := New(Options{Stream: m, Readers: readers})
	_, err := f.Subscribe(Filter{})
	require.ErrorIs(t, err, ErrNotReady)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.epoch > 0
	}, patience, time.Millisecond)
	return f
}

// reads reads events until it has n.
func reads(t *testing.T, r *Reader, n int) []uint64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []uint64
	for len(got) < n {
		found, _, err := r.Read(ctx)
		require.NoError(t, err)
		for _, e := range found {
			got = append(got, e.Sequence)
		}
	}
	return got
}

// passed waits until the feed has an event.
func passed(t *testing.T, f *Feed, sequence uint64) {
	t.Helper()
	require.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return f.newest() == sequence
	}, patience, time.Millisecond)
}

func subscribe(t *testing.T, f *Feed, filter Filter) *Reader {
	t.Helper()
	r, err := f.Subscribe(filter)
	require.NoError(t, err)
	t.Cleanup(r.Close)
	return r
}

func resume(t *testing.T, f *Feed, filter Filter, after uint64) *Reader {
	t.Helper()
	r, err := f.Resume(filter, ID{Sequence: after})
	require.NoError(t, err)
	t.Cleanup(r.Close)
	_, err = r.Begin(t.Context())
	require.NoError(t, err)
	return r
}

func TestReaders(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.put(t, "before")
	f := run(t, m, 0)
	all, one := subscribe(t, f, Filter{}), subscribe(t, f, Filter{Meeting: "b"})
	a, b, c := m.put(t, "a"), m.put(t, "b"), m.put(t, "b")
	assert.Equal(t, []uint64{a, b, c}, reads(t, all, 3))
	assert.Equal(t, []uint64{b, c}, reads(t, one, 2))

	late := subscribe(t, f, Filter{})
	d := m.put(t, "a")
	assert.Equal(t, []uint64{d}, reads(t, late, 1), "from now on")
	again := resume(t, f, Filter{}, b)
	require.NoError(t, again.CatchUp(t.Context(), func(Placed) error { return assert.AnError }), "nothing has to be read from the stream")
	assert.Equal(t, []uint64{c, d}, reads(t, again, 2))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, _, err := all.Read(ctx)
	require.NoError(t, err, "what is there is handed on")
	_, _, err = all.Read(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

func TestTooManyReaders(t *testing.T) {
	t.Parallel()
	f := run(t, newMemory(), 2)
	first := subscribe(t, f, Filter{})
	subscribe(t, f, Filter{})
	_, err := f.Subscribe(Filter{})
	require.ErrorIs(t, err, ErrTooMany)
	_, err = f.Resume(Filter{}, ID{})
	require.ErrorIs(t, err, ErrTooMany)
	first.Close()
	r, err := f.Subscribe(Filter{})
	require.NoError(t, err)
	f.readers++ // of the one that is closed twice now
	r.Close()
}

func TestAReaderThatIsTooSlow(t *testing.T) {
	t.Parallel()
	m := newMemory()
	f := run(t, m, 0)
	slow, quick := subscribe(t, f, Filter{}), subscribe(t, f, Filter{Meeting: "a"})
	var last uint64
	for range kept {
		last = m.put(t, "a")
	}
	passed(t, f, last)
	assert.Len(t, reads(t, quick, kept), kept, "as many as are kept")
	last = m.put(t, "a")
	passed(t, f, last)
	_, _, err := slow.Read(t.Context())
	require.ErrorIs(t, err, ErrTooSlow)
	assert.Equal(t, []uint64{last}, reads(t, quick, 1))
}

// Readers who come back while events go on coming miss none and see none twice, wherever they go
// on.
func TestCatchingUp(t *testing.T) {
	t.Parallel()
	m := newMemory()
	var before []uint64
	for range 100 {
		before = append(before, m.put(t, "a"))
	}
	f := run(t, m, 0)
	const more = kept + 500
	var all sync.WaitGroup
	all.Go(func() {
		for i := range more {
			m.put(t, []string{"a", "b"}[i%2])
		}
	})
	for i := range 2 * catchers {
		meeting := []string{"", "a"}[i%2]
		all.Go(func() {
			after := before[i] - uint64(i%3) // some go on after what is no event
			want := 100 - i - 1 + more
			if i%3 > 0 {
				want++
			}
			if meeting != "" {
				want -= more / 2
			}
			last, got := after, 0
			check := func(e Placed) error {
				assert.Greater(t, e.Sequence, last)
				last = e.Sequence
				got++
				return nil
			}
			for got < want { // one that is cut off comes back
				r, err := f.Resume(Filter{Meeting: meeting}, ID{Sequence: last})
				if !assert.NoError(t, err) {
					return
				}
				err = r.CatchUp(t.Context(), check)
				for err == nil && got < want {
					var found []Placed
					found, _, err = r.Read(t.Context())
					for _, e := range found {
						_ = check(e)
					}
				}
				r.Close()
				if err != nil && !assert.ErrorIs(t, err, ErrTooSlow) {
					return
				}
			}
			assert.Equal(t, want, got)
		})
	}
	all.Wait()
}

func TestHistoryThatFails(t *testing.T) {
	t.Parallel()
	m := newMemory()
	m.put(t, "a")
	f := run(t, m, 0)
	m.failing = errors.New("away")
	r := resume(t, f, Filter{}, 0)
	require.ErrorIs(t, r.CatchUp(t.Context(), func(Placed) error { return nil }), m.failing)
	m.failing = nil
	require.ErrorIs(t, r.CatchUp(t.Context(), func(Placed) error { return assert.AnError }), assert.AnError, "who has gone")

	for range catchers {
		f.catching <- struct{}{}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, r.CatchUp(ctx, func(Placed) error { return nil }), context.Canceled)
}

func TestAStreamThatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	err := New(Options{Stream: broken{}}).Run(t.Context())
	require.ErrorIs(t, err, assert.AnError)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.NoError(t, New(Options{Stream: broken{}}).Run(ctx))
}

type broken struct{ Stream }

func (broken) Last(context.Context) (uint64, error) { return 0, assert.AnError }

func (broken) Follow(context.Context, func(uint64), func(Event) error) error { return assert.AnError }

func BenchmarkReaders(b *testing.B) {
	for _, n := range []int{1, 200} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			f := New(Options{Stream: newMemory()})
			f.begin(0)
			e := payload(b, "a", 1)
			var readers sync.WaitGroup
			ctx, cancel := context.WithCancel(b.Context())
			for range n {
				r, err := f.Subscribe(Filter{})
				require.NoError(b, err)
				readers.Go(func() {
					for {
						if _, _, err := r.Read(ctx); err != nil && !errors.Is(err, ErrTooSlow) {
							return
						}
					}
				})
			}
			sequence := uint64(0)
			for b.Loop() {
				sequence++
				_ = f.add(Event{Sequence: sequence, Meeting: "a", Type: events.Joined, Payload: e})
			}
			cancel()
			readers.Wait()
		})
	}
}
