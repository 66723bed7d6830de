package reading_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/stored/reading"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/internal/testing/streamtest"
)

// follower reads live.
type follower struct {
	mu   sync.Mutex
	got  []string
	anew []uint64
}

func follow(t *testing.T, js jetstream.JetStream, opts reading.Options) *follower {
	t.Helper()
	f := &follower{}
	opts.Live = true
	opts.Anew = func(after uint64) {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.anew = append(f.anew, after)
	}
	r, err := reading.Open(t.Context(), js, opts)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- r.Run(ctx, func(m reading.Message) error {
			f.mu.Lock()
			defer f.mu.Unlock()
			f.got = append(f.got, brief(t, m))
			return nil
		})
	}()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return f
}

func (f *follower) becomes(t *testing.T, want ...string) {
	t.Helper()
	var got []string
	assert.Eventually(t, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		got = append([]string{}, f.got...)
		return len(got) >= len(want)
	}, patience, 5*time.Millisecond)
	require.Equal(t, want, got)
}

// again is a stream that is deleted and made again.
func again(t *testing.T, s *streamtest.Server, r *streamtest.Recorder) *streamtest.Recorder {
	t.Helper()
	r.Stop()
	js := s.JetStream()
	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	next := s.Record()
	next.Joined = r.Joined
	return next
}

// TestALiveReaderOfAStreamThatIsMadeAgain misses none of its events, be they more or fewer than
// there were.
func TestALiveReaderOfAStreamThatIsMadeAgain(t *testing.T) {
	t.Parallel()
	for _, people := range []int{1, 2, 7} {
		for name, subjects := range map[string][]string{"all": nil, "one meeting": reading.Subjects("a")} {
			t.Run(fmt.Sprint(name, people), func(t *testing.T) {
				s := streamtest.Start(t)
				r := s.Record()
				want := []string{"a " + r.Join("a"), "a " + r.Join("a"), "a " + r.Join("a")}
				f := follow(t, s.JetStream(), reading.Options{Subjects: subjects})
				f.becomes(t, want...)
				r = again(t, s, r)
				for range people {
					want = append(want, "a "+r.Join("a"))
				}
				f.becomes(t, want...)
				assert.Equal(t, []uint64{0}, f.anew)
			})
		}
	}
}

// TestALiveReaderOfAStreamThatGoesBack misses nothing of what is stored then, be it less or more
// than there was.
func TestALiveReaderOfAStreamThatGoesBack(t *testing.T) {
	t.Parallel()
	for _, people := range []int{1, 3, 9} {
		for name, opts := range map[string]reading.Options{
			"all": {}, "one meeting": {Subjects: reading.Subjects("a")}, "new": {New: true},
		} {
			t.Run(fmt.Sprint(name, people), func(t *testing.T) {
				s := streamtest.Start(t)
				r := s.Record()
				old := []string{"a " + r.Join("a"), "a " + r.Join("a")}
				backup := natstest.TakeBackup(t, r.Conn)
				lost := []string{"a " + r.Join("a"), "a " + r.Join("a"), "a " + r.Join("a")}
				f := follow(t, s.JetStream(), opts)
				want := append(old, lost...)
				if opts.New {
					want = []string{}
				}
				f.becomes(t, want...)
				last := lastSequence(t, s)

				joined := r.Joined
				r.Stop()
				js := s.JetStream()
				require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
				backup.Restore(t, js.Conn())
				require.Less(t, lastSequence(t, s), last)
				r = s.Record()
				r.Joined = joined
				for range people { // before it is noticed
					want = append(want, "a "+r.Join("a"))
				}
				require.Equal(t, people == 9, lastSequence(t, s) > last)
				f.becomes(t, want...)
				want = append(want, "a "+r.Join("a"))
				f.becomes(t, want...)
				assert.Len(t, f.anew, 1)
			})
		}
	}
}

// TestALiveReaderThatSeesABackupHalfRestored reads none of it again: the rest of the backup comes
// behind what it has seen of the stream, and is older than what it has read.
func TestALiveReaderThatSeesABackupHalfRestored(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	many(t, s, enough)
	r := s.Record()
	backup := natstest.TakeBackup(t, r.Conn)
	f := follow(t, s.JetStream(), reading.Options{New: true})
	whole := lastSequence(t, s)
	r.Joined = enough
	lost := []string{"a " + r.Join("a"), "a " + r.Join("a")}
	f.becomes(t, lost...)

	r.Stop()
	js := s.JetStream()
	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	backup.RestoreInHalves(t, js.Conn(), func() {
		assert.Eventually(t, func() bool {
			f.mu.Lock()
			defer f.mu.Unlock()
			return len(f.anew) > 0
		}, patience, 5*time.Millisecond)
	})
	require.Equal(t, whole, lastSequence(t, s))
	f.mu.Lock()
	assert.Less(t, slices.Max(f.anew), whole, "or this proves nothing")
	f.mu.Unlock()
	r = s.Record()
	r.Joined = enough + len(lost)
	f.becomes(t, append(lost, "a "+r.Join("a"), "a "+r.Join("a"))...)
}

func lastSequence(t *testing.T, s *streamtest.Server) uint64 {
	t.Helper()
	st, err := s.JetStream().Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	return st.CachedInfo().State.LastSeq
}

// TestGoingOnInAnotherStream is refused, however long that is.
func TestGoingOnInAnotherStream(t *testing.T) {
	t.Parallel()
	s := streamtest.Start(t)
	r, js := s.Record(), s.JetStream()
	r.Join("a")
	backup := natstest.TakeBackup(t, r.Conn)
	r.Join("a")
	whole, err := reading.Open(t.Context(), js, reading.Options{})
	require.NoError(t, err)
	from := func(at diff.Position) error {
		_, err := reading.Open(t.Context(), js, reading.Options{After: at})
		return err
	}
	require.NoError(t, from(whole.End()))
	r.Join("a")
	require.NoError(t, from(whole.End()))

	joined := r.Joined
	r.Stop()
	require.NoError(t, js.DeleteStream(t.Context(), events.Stream))
	backup.Restore(t, js.Conn())
	require.ErrorIs(t, from(whole.End()), reading.ErrReplaced, "it is shorter")
	require.ErrorIs(t, whole.Run(t.Context(), func(reading.Message) error { return nil }), reading.ErrReplaced)
	r = s.Record()
	r.Joined = joined
	r.Join("a")
	r.Join("a")
	require.ErrorIs(t, from(whole.End()), reading.ErrReplaced, "it is longer")
	again(t, s, r).Join("a")
	require.ErrorIs(t, from(whole.End()), reading.ErrReplaced, "it is another")
}
