package poller_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/poller"
	"github.com/c4342123/rollcall/publisher"
)

// TestStores holds every store to what the poller relies on: the fake one that these tests use, and
// the real one.
func TestStores(t *testing.T) {
	t.Parallel()
	t.Run("in memory", func(t *testing.T) { conform(t, func(*testing.T) poller.Store { return newStore() }) })
	t.Run("JetStream", func(t *testing.T) { conform(t, func(t *testing.T) poller.Store { return openPublisher(t) }) })
}

func openPublisher(t testing.TB) poller.Store {
	t.Helper()
	server, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, server.Close()) })
	return openAt(t, server.ClientURL())
}

// openAt opens and runs a publisher on the server at a URL until the test ends.
func openAt(t testing.TB, url string) *publisher.Publisher {
	t.Helper()
	conn, err := nats.Connect(url, nats.ReconnectBufSize(-1))
	require.NoError(t, err)
	t.Cleanup(conn.Close)
	p, err := publisher.Open(t.Context(), conn, publisher.Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() { cancel(); assert.NoError(t, <-ended) })
	return p
}

// shows compares with a list on which these people are present since second 0.
func shows(at int64, who ...string) diff.Snapshot {
	snap := diff.Snapshot{From: second(at), At: second(at)}
	for _, id := range who {
		snap.Rows = append(snap.Rows, present(id, 0))
	}
	return snap
}

// counted counts how often a snapshot is compared.
type counted struct {
	diff.Snapshot
	times *int
}

func (c counted) Apply(s *diff.State) diff.Result {
	*c.times++
	return c.Snapshot.Apply(s)
}

func people(s *diff.State) []string {
	out := []string{}
	for p := range s.People() {
		out = append(out, p.Key)
	}
	return out
}

func conform(t *testing.T, open func(*testing.T) poller.Store) {
	tests := map[string]func(t *testing.T, store poller.Store){
		"an unknown meeting":          unknownMeeting,
		"what is stored can be read":  storedIsRead,
		"no change is not stored":     noChange,
		"a stale base compares again": staleBase,
		"all, each as it is last":     allAsLast,
		"all, while others write":     allWhileWritten,
		"all of some shards":          allOfSomeShards,
		"following":                   followed,
		"beats":                       beats,
		"a context that has ended":    endedContext,
		"many writers":                manyWriters,
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) { test(t, open(t)) })
	}
}

func unknownMeeting(t *testing.T, store poller.Store) {
	record, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	assert.Zero(t, record.Revision)
	assert.Equal(t, "m", record.State.ConferenceID)
	assert.Equal(t, diff.Watched, record.State.Phase)
	for range store.All(t.Context()) {
		assert.Fail(t, "nothing is stored")
	}
}

func storedIsRead(t *testing.T, store poller.Store) {
	base, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	record, res, err := store.Update(t.Context(), base, shows(10, "ann", "bob"))
	require.NoError(t, err)
	assert.Len(t, res.Events, 2)
	assert.Greater(t, record.Revision, base.Revision)
	read, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	assert.Equal(t, record.Revision, read.Revision)
	assert.EqualValues(t, 2, read.State.Sequence)
	assert.Equal(t, []string{"ann", "bob"}, people(read.State))
}

func noChange(t *testing.T, store poller.Store) {
	base, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	first, _, err := store.Update(t.Context(), base, shows(10, "ann"))
	require.NoError(t, err)
	second, res, err := store.Update(t.Context(), first, shows(20, "ann"))
	require.NoError(t, err)
	assert.Equal(t, first.Revision, second.Revision)
	assert.Same(t, res.State, second.State, "the next comparison starts from the latest look")
}

func staleBase(t *testing.T, store poller.Store) {
	base, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	_, _, err = store.Update(t.Context(), base, shows(10, "ann"))
	require.NoError(t, err)
	rounds := 0
	record, res, err := store.Update(t.Context(), base, counted{shows(20, "ann", "bob"), &rounds})
	require.NoError(t, err)
	assert.Equal(t, 2, rounds)
	require.Len(t, res.Events, 1, "the result of the last comparison")
	assert.Equal(t, "bob", res.Events[0].Subject)
	assert.EqualValues(t, 2, record.State.Sequence)
}

func allAsLast(t *testing.T, store poller.Store) {
	for i, id := range []string{"a", "b", "a"} {
		base, err := store.Load(t.Context(), id)
		require.NoError(t, err)
		_, _, err = store.Update(t.Context(), base, shows(int64(10+i), fmt.Sprint("ann", base.Revision)))
		require.NoError(t, err)
	}
	sizes := map[string]int{}
	for record, err := range store.All(t.Context()) {
		require.NoError(t, err)
		assert.NotZero(t, record.Revision)
		sizes[record.State.ConferenceID] = record.State.Size()
	}
	assert.Equal(t, map[string]int{"a": 2, "b": 1}, sizes)
}

// allWhileWritten reads all states while they are replaced: every meeting has to be among them, be
// it as it was or as it is, or to be told of by Follow.
func allWhileWritten(t *testing.T, store poller.Store) {
	const meetings = 50
	var looks atomic.Int64
	write := func(id string, who string) {
		base, err := store.Load(t.Context(), id)
		assert.NoError(t, err)
		_, _, err = store.Update(t.Context(), base, shows(looks.Add(1), who))
		assert.NoError(t, err)
	}
	for _, id := range names(meetings) {
		write(id, "ann")
	}
	done := make(chan struct{})
	var writers sync.WaitGroup
	defer writers.Wait()
	defer close(done)
	for w := range 4 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-done:
					return
				default:
					write(names(meetings)[(n*4+w)%meetings], fmt.Sprint("p", n))
				}
			}
		})
	}
	for range 10 {
		at, err := store.(poller.Follower).Position(t.Context())
		require.NoError(t, err)
		seen := map[string]bool{}
		for record, err := range store.All(t.Context()) {
			require.NoError(t, err)
			seen[record.State.ConferenceID] = true
		}
		heard := follow(t, store, at)
		for len(seen) < meetings {
			seen[(<-heard).id] = true
		}
	}
}

// follow follows a store until the test ends.
func follow(t *testing.T, store poller.Store, after diff.Position) <-chan change {
	t.Helper()
	heard := make(chan change)
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() {
		ended <- store.(poller.Follower).Follow(ctx, after, func(id string, at diff.Position) {
			select {
			case heard <- change{id, at.Sequence}:
			case <-ctx.Done():
			}
		})
	}()
	t.Cleanup(func() { cancel(); assert.ErrorIs(t, <-ended, context.Canceled) })
	return heard
}

func allOfSomeShards(t *testing.T, store poller.Store) {
	of := map[int][]string{}
	for _, id := range names(300) {
		base, err := store.Load(t.Context(), id)
		require.NoError(t, err)
		_, _, err = store.Update(t.Context(), base, shows(10, "ann"))
		require.NoError(t, err)
		of[events.Shard(id)] = append(of[events.Shard(id)], id)
	}
	var seen []string
	for record, err := range store.All(t.Context(), 3, 17) {
		require.NoError(t, err)
		seen = append(seen, record.State.ConferenceID)
	}
	assert.ElementsMatch(t, append(of[3], of[17]...), seen)
	require.NotEmpty(t, seen)
}

// followed stores before and after a position: what comes after it is told, in order, to everybody
// who asks and when.
func followed(t *testing.T, store poller.Store) {
	at := int64(10)
	write := func(id, who string) change {
		at++
		base, err := store.Load(t.Context(), id)
		require.NoError(t, err)
		record, _, err := store.Update(t.Context(), base, shows(at, who))
		require.NoError(t, err)
		return change{id, record.Revision}
	}
	follower := store.(poller.Follower)
	write("before", "ann")
	position, err := follower.Position(t.Context())
	require.NoError(t, err)
	first, second := write("a", "ann"), write("b", "ann")
	require.NoError(t, store.(poller.Pulse).Beat(t.Context(), 1))
	heard := follow(t, store, position)
	assert.Equal(t, first, <-heard)
	assert.Equal(t, second, <-heard)
	third := write("a", "bob")
	assert.Equal(t, third, <-heard)
	assert.Equal(t, third, <-follow(t, store, diff.Position{Stream: position.Stream, Sequence: second.revision}), "a reader that goes on from there")
}

func endedContext(t *testing.T, store poller.Store) {
	base, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = store.Load(ctx, "m")
	require.ErrorIs(t, err, context.Canceled)
	_, _, err = store.Update(ctx, base, shows(10, "ann"))
	require.ErrorIs(t, err, context.Canceled)
}

func manyWriters(t *testing.T, store poller.Store) {
	base, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	var writers sync.WaitGroup
	for w := range 6 {
		writers.Go(func() {
			mine := base
			for n := range 5 {
				who := fmt.Sprintf("%d-%d", w, n)
				next, _, err := mineOnly(t.Context(), store, mine, who)
				assert.NoError(t, err)
				mine = next
			}
		})
	}
	writers.Wait()
	last, err := store.Load(t.Context(), "m")
	require.NoError(t, err)
	assert.EqualValues(t, 30, last.State.Sequence)
	assert.Equal(t, 30, last.State.Active)
}

// mineOnly announces one person and says nothing of the others.
func mineOnly(ctx context.Context, store poller.Store, base diff.Record, who string) (diff.Record, diff.Result, error) {
	return store.Update(ctx, base, diff.Snapshot{
		Kind: diff.Partial, From: second(1), At: second(1), Rows: []diff.Row{present(who, 0)},
	})
}

func beats(t *testing.T, store poller.Store) {
	pulse := store.(poller.Pulse)
	last, err := pulse.LastBeats(t.Context())
	require.NoError(t, err)
	assert.Zero(t, last, "nobody ever was alive")
	require.NoError(t, pulse.Beat(t.Context(), 3, 63))
	require.NoError(t, pulse.Beat(t.Context(), 3))
	require.NoError(t, pulse.Beat(t.Context()))
	last, err = pulse.LastBeats(t.Context())
	require.NoError(t, err)
	for shard, at := range last {
		if shard == 3 || shard == 63 {
			assert.WithinDuration(t, time.Now(), at, time.Minute)
		} else {
			assert.Zero(t, at)
		}
	}
	assert.False(t, last[3].Before(last[63]))
}
