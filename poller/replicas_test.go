package poller_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/poller"
)

// crowd is an upstream in which people come and go as it is told.
type crowd struct {
	mu    sync.Mutex
	rows  map[string][]diff.Row
	ended map[string]bool
}

var _ poller.Source = (*crowd)(nil)

// Members implements [poller.Source].
func (c *crowd) Members(_ context.Context, id string) (poller.List, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return poller.List{Rows: slices.Clone(c.rows[id]), Certain: true}, nil
}

// Info implements [poller.Source].
func (c *crowd) Info(_ context.Context, id string) (poller.Info, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	active := 0
	for _, row := range c.rows[id] {
		if row.Status == diff.StatusActive {
			active++
		}
	}
	return poller.Info{Ended: c.ended[id], ActiveCount: active}, nil
}

// move has a person come, or one who is there go, and returns the push that tells of it.
func (c *crowd) move(id string, n int) poller.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	rows := c.rows[id]
	at := time.Now().UnixMilli()
	if last := len(rows) - 1; last >= 0 && rows[last].Status == diff.StatusActive && rand.IntN(2) == 0 {
		rows[last].Status, rows[last].LeaveTime = diff.StatusLeft, at
	} else {
		who := fmt.Sprintf("p%04d", n)
		rows = append(rows, diff.Row{UnionID: who, UserNick: who, JoinTime: at, Status: diff.StatusActive})
	}
	c.rows[id] = rows
	return poller.Notice{ConferenceID: id, Time: at, Rows: []diff.Row{rows[len(rows)-1]}}
}

// end ends a meeting and returns the push that tells of it.
func (c *crowd) end(id string) poller.Notice {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended[id] = true
	return poller.Notice{ConferenceID: id, Scene: poller.Closed, Time: time.Now().UnixMilli()}
}

// agrees tells whether everything that happened is in a state.
func (c *crowd) agrees(s *diff.State) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	attended, present := 0, 0
	for _, row := range c.rows[s.ConferenceID] {
		attended++
		if row.Status == diff.StatusActive {
			present++
		}
	}
	return s.Size() == attended && s.Active == present
}

// TestThreeReplicasLoseNothing lets three pollers share meetings on one NATS server while people
// come and go, pushes reach whichever replica, shards change hands all the time, and replicas are
// stopped and started: whatever happened is stored once, in order, and every meeting is looked at
// by somebody until its end.
func TestThreeReplicasLoseNothing(t *testing.T) {
	t.Parallel()
	const meetings, steps = 12, 240
	store := &recording{Store: openPublisher(t)}
	upstream := &crowd{rows: map[string][]diff.Row{}, ended: map[string]bool{}}
	r := &cluster{T: t, store: store, upstream: upstream, owner: map[int]int{}}
	for i := range r.each {
		r.start(i)
	}
	for _, shard := range everyShard() {
		r.owner[shard] = 0
	}
	r.each[0].share.give(everyShard()...)
	ids := names(meetings)
	for i, id := range ids {
		_, err := r.each[i%3].poller.Watch(t.Context(), id, "")
		require.NoError(t, err)
	}
	for n := range steps {
		switch id := ids[rand.IntN(meetings)]; {
		case n%40 == 20:
			r.restart(rand.IntN(3))
		case n%3 == 0:
			r.hand(rand.IntN(events.Shards), rand.IntN(3))
		default:
			push := upstream.move(id, n)
			if rand.IntN(2) == 0 { // else a look finds out
				err := r.each[rand.IntN(3)].poller.Notice(t.Context(), push)
				require.NoError(t, err)
			}
		}
	}
	for i, id := range ids {
		upstream.move(id, steps+i)
	}
	for _, id := range ids {
		r.eventually(id, "somebody looks at it", func(s *diff.State) bool { return upstream.agrees(s) })
	}
	for i, id := range ids {
		require.NoError(t, r.each[i%3].poller.Notice(t.Context(), upstream.end(id)))
		r.eventually(id, "it ends", func(s *diff.State) bool { return s.Phase == diff.Ended })
	}
	for i := range r.each {
		r.stop(i)
	}
	r.compare(ids)
}

// eventually waits until the stored state of a meeting is as it should be.
func (c *cluster) eventually(id, what string, so func(*diff.State) bool) {
	c.Helper()
	require.Eventually(c, func() bool {
		record, err := c.store.Load(c.Context(), id)
		return err == nil && so(record.State)
	}, time.Minute, 2*time.Millisecond, "%s: %s", id, what)
}

// cluster are three pollers on one store.
type cluster struct {
	*testing.T
	store    *recording
	upstream *crowd
	each     [3]*replica
	owner    map[int]int
}

type replica struct {
	poller *poller.Poller
	share  *share
	cancel context.CancelFunc
	ended  chan error
}

func (c *cluster) start(i int) {
	s := newShare()
	p, err := poller.New(c.upstream, c.store, poller.Options{
		MinInterval: 2 * time.Millisecond, MaxInterval: 20 * time.Millisecond, Workers: 4, Shards: s, StateMemory: 4000,
	})
	require.NoError(c, err)
	ctx, cancel := context.WithCancel(context.WithoutCancel(c.Context()))
	r := &replica{poller: p, share: s, cancel: cancel, ended: make(chan error, 1)}
	go func() { r.ended <- p.Run(ctx) }()
	c.each[i] = r
	c.Cleanup(func() { c.stop(i) })
	<-p.Ready()
}

func (c *cluster) stop(i int) {
	if r := c.each[i]; r != nil {
		r.cancel()
		assert.NoError(c, <-r.ended)
		c.each[i] = nil
	}
}

// hand hands a shard over.
func (c *cluster) hand(shard, to int) {
	from := c.each[c.owner[shard]]
	from.share.take(shard)
	require.NoError(c, from.poller.Quiet(c.Context()))
	c.owner[shard] = to
	c.each[to].share.give(shard)
}

// restart stops a replica, and another process takes its place.
func (c *cluster) restart(i int) {
	c.stop(i)
	c.start(i)
	var mine []int
	for shard, owner := range c.owner {
		if owner == i {
			mine = append(mine, shard)
		}
	}
	c.each[i].share.give(mine...)
}

// compare holds what is stored against what happened.
func (c *cluster) compare(ids []string) {
	stored := c.store.byMeeting()
	for _, id := range ids {
		roster := events.NewRoster(id)
		for _, e := range stored[id] {
			require.NoError(c, roster.Apply(e))
		}
		var want, got []string
		for _, row := range c.upstream.rows[id] {
			want = append(want, fmt.Sprint(row.UnionID, row.JoinTime))
		}
		for _, a := range roster.Attendances() {
			got = append(got, fmt.Sprint(a.Person, a.Join))
		}
		assert.ElementsMatch(c, want, got, id)
		assert.Empty(c, roster.Present(), id)
	}
}

// recording is a store that remembers what it has stored, in order.
type recording struct {
	poller.Store
	mu     sync.Mutex
	stored map[uint64][]events.Event // by the revision they were stored with
}

// Position implements [poller.Follower].
func (s *recording) Position(ctx context.Context) (diff.Position, error) {
	return s.Store.(poller.Follower).Position(ctx)
}

// Follow implements [poller.Follower].
func (s *recording) Follow(ctx context.Context, after diff.Position, tell func(string, diff.Position)) error {
	return s.Store.(poller.Follower).Follow(ctx, after, tell)
}

// Update implements [poller.Store].
func (s *recording) Update(ctx context.Context, base diff.Record, want diff.Intent) (diff.Record, diff.Result, error) {
	record, res, err := s.Store.Update(context.WithoutCancel(ctx), base, want) // so that its outcome is known
	if err == nil && len(res.Events) > 0 {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.stored == nil {
			s.stored = map[uint64][]events.Event{}
		}
		s.stored[record.Revision] = res.Events
	}
	return record, res, err
}

func (s *recording) byMeeting() map[string][]events.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := map[string][]events.Event{}
	for _, revision := range slices.Sorted(maps.Keys(s.stored)) {
		for _, e := range s.stored[revision] {
			out[e.ConferenceID()] = append(out[e.ConferenceID()], e)
		}
	}
	return out
}
