package peers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/fleet/shards"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/poller"
)

func TestMain(m *testing.M) { leak.Main(m) }

const waiting = 20 * time.Second

// replica is a peer whose work the test gives out.
type replica struct {
	*Peers
	mu     sync.Mutex
	name   string
	mine   shards.Set
	owners *sync.Map // shard to name
	looks  []poller.Status
	log    *logbuffer.Buffer
}

func (r *replica) Known() []int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Collect(r.mine.All())
}

func (r *replica) Owner(shard int) string {
	name, _ := r.owners.Load(shard)
	s, _ := name.(string)
	return s
}

func (r *replica) Meetings() []poller.Status { return r.looks }

// owns gives shards to a replica, and lets the others know.
func (r *replica) owns(s shards.Set) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mine = s
	for shard := range s.All() {
		r.owners.Store(shard, r.name)
	}
}

func connect(t *testing.T) func() *nats.Conn {
	t.Helper()
	srv, err := embedded.Start(t.Context(), embedded.Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, srv.Close()) })
	return func() *nats.Conn {
		nc, err := nats.Connect(srv.ClientURL())
		require.NoError(t, err)
		t.Cleanup(nc.Close)
		return nc
	}
}

// start makes replicas that answer until the test ends.
func start(t *testing.T, names ...string) []*replica {
	t.Helper()
	conn, owners := connect(t), &sync.Map{}
	var out []*replica
	for _, name := range names {
		r := &replica{name: name, owners: owners, log: &logbuffer.Buffer{}}
		nc := conn()
		r.Peers = New(nc, Options{Name: name, Shards: r, Watched: r, Patience: waiting, Logger: slog.New(slog.NewTextHandler(r.log, nil))})
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan error, 1)
		go func() { ended <- r.Run(ctx) }()
		t.Cleanup(func() {
			cancel()
			assert.NoError(t, <-ended)
		})
		require.Eventually(t, func() bool { return nc.NumSubscriptions() > 0 }, waiting, time.Millisecond)
		require.NoError(t, nc.Flush())
		out = append(out, r)
	}
	return out
}

// watch gives a replica n meetings of shards it may own.
func (r *replica) watch(n int, of shards.Set, looked time.Time) {
	for i := 0; len(r.looks) < n; i++ {
		if id := fmt.Sprintf("m%d", i); of.Has(events.Shard(id)) {
			r.looks = append(r.looks, poller.Status{ConferenceID: id, Title: r.name, LastLook: looked, Interval: time.Second})
		}
	}
}

func halves() (low, high shards.Set) { return 1<<32 - 1, shards.Every &^ (1<<32 - 1) }

func TestEverybodyKnowsAll(t *testing.T) {
	both := start(t, "a", "b")
	low, high := halves()
	looked := time.Now().Round(0)
	both[0].watch(3*perPart+1, low, looked) // several parts
	both[1].watch(2, high, looked)
	both[0].owns(low)
	both[1].owns(high)
	for _, asker := range both {
		all, missing, err := asker.Peers.Meetings(t.Context())
		require.NoError(t, err)
		assert.Zero(t, missing)
		require.Len(t, all, 3*perPart+3)
		for _, m := range all {
			assert.Equal(t, m.Title, m.Owner)
			assert.True(t, looked.Equal(m.LastLook))
			assert.Equal(t, time.Second, m.Interval)
		}
		for _, owner := range both {
			id := owner.looks[0].ConferenceID
			m, watched, answered, err := asker.Meeting(t.Context(), id)
			require.NoError(t, err)
			assert.True(t, watched && answered)
			assert.Equal(t, id, m.ConferenceID)
			assert.Equal(t, owner.name, m.Owner)
		}
	}
	_, watched, answered, err := both[0].Meeting(t.Context(), other(high, both[1].looks))
	require.NoError(t, err)
	assert.False(t, watched)
	assert.True(t, answered, "the owner knows that it is not watched")
}

// other is the id of a meeting of these shards that is not listed.
func other(of shards.Set, listed []poller.Status) string {
	for i := 0; ; i++ {
		id := fmt.Sprintf("other%d", i)
		if of.Has(events.Shard(id)) && !slices.ContainsFunc(listed, func(s poller.Status) bool { return s.ConferenceID == id }) {
			return id
		}
	}
}

func TestShardsWithoutAnOwnerAreNotWaitedFor(t *testing.T) {
	both := start(t, "a", "b")
	low, high := halves()
	both[0].owns(low)
	all, missing, err := both[0].Peers.Meetings(t.Context())
	require.NoError(t, err)
	assert.Empty(t, all)
	assert.Equal(t, high, missing)
	_, watched, answered, err := both[0].Meeting(t.Context(), other(high, nil))
	require.NoError(t, err)
	assert.False(t, watched || answered)
}

// An owner that has died is waited for as long as it counts, but not for ever.
func TestAnOwnerThatIsGone(t *testing.T) {
	both := start(t, "a", "b")
	both[0].opts.Patience = 50 * time.Millisecond
	low, high := halves()
	both[0].owns(low)
	both[0].watch(1, low, time.Now())
	for shard := range high.All() {
		both[0].owners.Store(shard, "gone")
	}
	all, missing, err := both[0].Peers.Meetings(t.Context())
	require.NoError(t, err)
	assert.Len(t, all, 1)
	assert.Equal(t, high, missing)
}

// While a shard changes hands, two answer for it.
func TestTheOneWhoLookedLastKnowsBest(t *testing.T) {
	answer := func(owner string, looked int64) *nats.Msg {
		body, err := json.Marshal(part{Owner: owner, Shards: 1, Last: true, Meetings: []poller.Status{
			{ConferenceID: "m", LastLook: time.UnixMilli(looked)},
		}})
		require.NoError(t, err)
		return &nats.Msg{Data: body}
	}
	for _, order := range [][]int64{{1, 2}, {2, 1}} {
		g := gathering{missing: 3, found: map[string]Meeting{}}
		for _, looked := range order {
			g.take(answer(fmt.Sprint(looked), looked), nil)
		}
		assert.Equal(t, "2", g.found["m"].Owner)
		assert.Equal(t, shards.Set(2), g.missing)
	}
}

func TestNobodyToAsk(t *testing.T) {
	r := start(t, "a")[0]
	r.owners.Store(0, "b")
	r.conn.Close()
	_, _, err := r.Peers.Meetings(t.Context())
	require.ErrorIs(t, err, nats.ErrConnectionClosed)
	_, _, _, err = r.Meeting(t.Context(), other(1, nil))
	require.ErrorIs(t, err, nats.ErrConnectionClosed)
}

func TestWhoAsksMayGoAway(t *testing.T) {
	r := start(t, "a")[0]
	r.owners.Store(0, "b")
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	_, _, err := r.Peers.Meetings(ctx)
	require.ErrorIs(t, err, context.Canceled)
}

// What others write on the subject does no harm.
func TestNonsense(t *testing.T) {
	both := start(t, "a", "b")
	low, high := halves()
	both[0].owns(low)
	both[1].owns(high)
	require.NoError(t, both[1].conn.Publish(Subject, []byte("{")))
	sub, err := both[1].conn.Subscribe(Subject, func(m *nats.Msg) { _ = m.Respond([]byte("no JSON")) })
	require.NoError(t, err)
	defer func() { assert.NoError(t, sub.Unsubscribe()) }()
	require.NoError(t, both[1].conn.Flush())
	_, missing, err := both[0].Peers.Meetings(t.Context())
	require.NoError(t, err)
	assert.Zero(t, missing)
	require.Eventually(t, func() bool { return strings.Contains(both[0].log.String(), "got no answer") }, waiting, time.Millisecond)
}

func BenchmarkMeetings(b *testing.B) {
	r := &replica{name: "a", owners: &sync.Map{}}
	r.owns(shards.Every)
	r.watch(1000, shards.Every, time.Now())
	p := New(nil, Options{Name: "a", Shards: r, Watched: r})
	for b.Loop() {
		if all, _, err := p.Meetings(b.Context()); err != nil || len(all) != 1000 {
			b.Fatal(err)
		}
	}
}

func TestTwoOfOneName(t *testing.T) {
	both := start(t, "a", "a")
	low, high := halves()
	both[0].watch(1, low, time.Now())
	both[1].watch(1, high, time.Now())
	both[0].owns(low)
	both[1].owns(high)
	all, missing, err := both[0].Peers.Meetings(t.Context())
	require.NoError(t, err)
	assert.Zero(t, missing)
	assert.Len(t, all, 2)
}
