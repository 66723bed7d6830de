package shards

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// idle returns a runner that never runs, whose clock is set by hand; self is its id, joined at
// revision 5.
func idle(t *testing.T) (*runner, *moment) {
	t.Helper()
	clock := &moment{mono: time.Hour, wall: time.Unix(1_800_000_000, 0)}
	r := newRunner(&Replica{
		opts: Options{TTL: 30 * time.Second}.withDefaults(), now: func() moment { return *clock }, changed: make(chan struct{}, 1),
	})
	t.Cleanup(func() { r.fence.Stop() })
	r.Replica.standing.Store(&standing{live: 1})
	r.id, r.first, r.revision, r.accepted = "self", 5, 5, *clock
	return r, clock
}

// pass lets time pass by both clocks.
func (m *moment) pass(d time.Duration) {
	m.mono += d
	m.wall = m.wall.Add(d)
}

// viewOf is a bucket with this runner and others, whose announcements are at the revisions given.
func viewOf(upTo uint64, others map[string]uint64) snapshot {
	v := snapshot{upTo: upTo, replicas: map[string]peer{"self": {revision: 5}}}
	for id, revision := range others {
		v.replicas[id] = peer{announcement: announcement{TTL: 30_000, Since: revision}, revision: revision}
	}
	return v
}

func TestSilenceCountsFromTheLastNews(t *testing.T) {
	t.Parallel()
	r, clock := idle(t)
	r.take(viewOf(10, map[string]uint64{"a": 3, "b": 9}))
	start := *clock
	clock.pass(time.Second)
	r.take(viewOf(11, map[string]uint64{"a": 3, "b": 11}))
	assert.Equal(t, start, r.seen["a"].at, "nothing new of a")
	assert.Equal(t, *clock, r.seen["b"].at)
	r.take(viewOf(12, map[string]uint64{"b": 11}))
	assert.NotContains(t, r.seen, "a", "it has left")
}

// After an outage everybody has been silent: nobody may be taken for dead for that.
func TestSilenceDuringAnOutageDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		gap   time.Duration
		reset bool
	}{
		"as usual":             {10 * time.Second, false},
		"one was late":         {15 * time.Second, false},
		"out of touch":         {15*time.Second + 1, true},
		"out of touch forever": {time.Hour, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, clock := idle(t)
			r.take(viewOf(10, map[string]uint64{"a": 3}))
			r.renewedAt(*clock)
			before := *clock
			clock.pass(tt.gap)
			r.renewedAt(*clock)
			if tt.reset {
				assert.Equal(t, *clock, r.seen["a"].at)
			} else {
				assert.Equal(t, before, r.seen["a"].at)
			}
		})
	}
}

func TestAdmission(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		others map[string]uint64
		again  bool
		want   bool
	}{
		"alone":                        {nil, false, true},
		"only younger ones":            {map[string]uint64{"a": 6}, false, true},
		"an older one":                 {map[string]uint64{"a": 4, "b": 6}, false, false},
		"alone, but it had leases":     {nil, true, false},
		"younger ones, but had leases": {map[string]uint64{"a": 6}, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			r, clock := idle(t)
			r.again = tt.again
			r.take(viewOf(10, tt.others))
			r.renewedAt(*clock)
			assert.Equal(t, tt.want, r.admitted)
		})
	}
}

func TestProbationLastsAsLongAsAnybodyMayRelyOnOldNews(t *testing.T) {
	t.Parallel()
	r, _ := idle(t)
	assert.Equal(t, 30*time.Second, r.probation())
	v := viewOf(10, map[string]uint64{"a": 4})
	v.replicas["a"] = peer{announcement: announcement{TTL: 50_000}, revision: 4}
	r.take(v)
	assert.Equal(t, 50*time.Second, r.probation())
}

func TestHearsay(t *testing.T) {
	t.Parallel()
	newRunnerThatKnows := func(t *testing.T) (*runner, *moment) {
		r, clock := idle(t)
		v := viewOf(10, map[string]uint64{"admitted": 3, "new": 8})
		v.ownersAt = 12 // written by this replica since it read
		admitted := v.replicas["admitted"]
		admitted.Admitted = true
		v.replicas["admitted"] = admitted
		r.take(v)
		clock.pass(time.Second)
		return r, clock
	}
	for name, tt := range map[string]struct {
		heard change
		look  bool
	}{
		"old news":                {change{key: "replica.other", revision: 10}, false},
		"its own announcement":    {change{key: "replica.self", revision: 11}, false},
		"it was thrown out":       {change{key: "replica.self", revision: 11, removed: true}, true},
		"one lives":               {change{key: "replica.admitted", revision: 11}, false},
		"one may be admitted now": {change{key: "replica.new", revision: 11}, true},
		"one has left":            {change{key: "replica.admitted", revision: 11, removed: true}, true},
		"one has joined":          {change{key: "replica.other", revision: 11}, true},
		"its own owners":          {change{key: "owners", revision: 12}, false},
		"other owners":            {change{key: "owners", revision: 13}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r, clock := newRunnerThatKnows(t)
			before := r.seen["admitted"]
			assert.Equal(t, tt.look, r.learn(tt.heard))
			if name == "one lives" {
				assert.Equal(t, observed{revision: 11, at: *clock}, r.seen["admitted"])
			} else {
				assert.Equal(t, before, r.seen["admitted"])
			}
		})
	}
}

func TestWhatTheFeedCannotMeanIsIgnored(t *testing.T) {
	t.Parallel()
	r, _ := idle(t)
	for range 2 * maxChanges {
		r.queue(&nats.Msg{Subject: feed + "owners", Header: nats.Header{}})
	}
	assert.Empty(t, r.changes, "without a revision")
	for range 2 * maxChanges {
		r.queue(&nats.Msg{Subject: feed + "owners", Header: nats.Header{"Nats-Sequence": {"12"}}})
	}
	assert.Len(t, r.changes, maxChanges, "what waits is bounded")
	assert.Equal(t, change{key: "owners", revision: 12}, <-r.changes)
}

// A write of which it is not known whether it will be applied must not take effect behind the back
// of the replica that has gone back to look at the shards it gave away in it.
func TestUncertainHandOverIsNotTakenBack(t *testing.T) {
	t.Parallel()
	r, _ := idle(t)
	v := viewOf(10, nil)
	v.ownersAt = 7
	for shard := range v.owners {
		v.owners[shard] = "self"
	}
	r.admitted = true
	r.take(v)
	r.going, r.idle = One(3), One(3)
	r.pending, r.pendingAt = true, 7

	r.handOver(t.Context(), 0) // the plan is to keep it now
	assert.Equal(t, One(3), r.going)
	r.publish()
	assert.False(t, r.standing.Load().mine.Has(3))

	v.ownersAt = 8 // another replica replaced the owners: the write cannot be applied any more
	r.take(v)
	r.handOver(t.Context(), 0)
	assert.Zero(t, r.going)
}

func TestNothingIsHandedOverWhileReplicasComeAndGo(t *testing.T) {
	t.Parallel()
	r, clock := idle(t)
	asked := make(chan Set, 1)
	r.opts.Quiet = func(_ context.Context, going Set) { asked <- going & r.Replica.standing.Load().mine }
	v := viewOf(10, map[string]uint64{"other": 8})
	for shard := range v.owners {
		v.owners[shard] = "self"
	}
	other := v.replicas["other"]
	other.Admitted = true
	v.replicas["other"] = other
	r.admitted = true
	r.take(v)
	assert.Equal(t, v.owners, r.decide(t.Context()))
	assert.Zero(t, r.going, "it has only just come")
	clock.pass(r.interval())
	assert.Equal(t, v.owners, r.decide(t.Context()))
	assert.Equal(t, Count/2, r.going.Len(), "somebody may still look at them")
	assert.Zero(t, <-asked, "when it is asked whether anybody looks, nobody is to begin")
	set := <-r.quiet
	assert.Equal(t, r.going, set)
	r.quiet, r.idle = nil, set
	next := r.decide(t.Context())
	assert.Equal(t, set, next.of("other"))
}

// Who has not heard of a replica that lives cannot remove it.
func TestOnlyTheSilentAreRemoved(t *testing.T) {
	t.Parallel()
	b, err := openBucket(t.Context(), connect(t, startServer(t)), 1, Options{}.withDefaults().Logger)
	require.NoError(t, err)
	r, clock := idle(t)
	r.bucket = b
	put := func(id string, revision uint64) uint64 {
		revision, err := b.put(t.Context(), replicaPrefix+id, announcement{TTL: 30_000}.encode(), revision)
		require.NoError(t, err)
		return revision
	}
	r.revision = put("self", 0)
	heard, silent, unheard := put("heard", 0), put("silent", 0), put("unheard", 0)
	require.NoError(t, r.look(t.Context()))
	clock.pass(30*time.Second - 1)
	require.True(t, r.learn(change{key: "replica.heard", revision: put("heard", heard)}))
	put("unheard", unheard)
	require.NoError(t, r.removeSilent(t.Context()))
	assert.Len(t, r.view.replicas, 4, "nobody has been silent for long enough")

	clock.pass(1)
	for range 2 { // the first round may have found that somebody was not silent
		require.NoError(t, r.removeSilent(t.Context()))
	}
	view, err := b.read(t.Context(), 0)
	require.NoError(t, err)
	assert.NotContains(t, view.replicas, "silent")
	assert.Contains(t, view.replicas, "heard")
	assert.Contains(t, view.replicas, "unheard")
	_, err = b.put(t.Context(), replicaPrefix+"silent", nil, silent)
	require.ErrorIs(t, err, errChanged, "it cannot come back to life")
}

func TestStaleReadsAreNotBelieved(t *testing.T) {
	t.Parallel()
	b, err := openBucket(t.Context(), connect(t, startServer(t)), 1, Options{}.withDefaults().Logger)
	require.NoError(t, err)
	revision, err := b.put(t.Context(), replicaPrefix+"self", announcement{}.encode(), 0)
	require.NoError(t, err)
	r, clock := idle(t)
	r.bucket, r.revision, r.newest = b, revision, revision+1
	r.opts.TTL = short // twice it is waited whether another server answers, for half of that
	r.sent, r.renewed = *clock, true
	answered := func() bool {
		err = r.look(t.Context())
		return !errors.Is(err, context.DeadlineExceeded)
	}
	eventually(t, answered, "an answer")
	require.ErrorContains(t, err, "it is at revision 1, and was at 2")
	require.NotErrorIs(t, err, errLost)
	assert.True(t, r.joined(), "another server may be further")

	clock.pass(r.opts.TTL) // the leases have run out anyway
	eventually(t, answered, "an answer")
	require.ErrorIs(t, err, errLost)
	assert.False(t, r.joined())
	assert.True(t, r.again)
}

// Owners that were there and cannot be read any more are nobody's: everybody starts over, and waits
// for the others.
func TestLostOwnersAreLostLeases(t *testing.T) {
	t.Parallel()
	b, err := openBucket(t.Context(), connect(t, startServer(t)), 1, Options{}.withDefaults().Logger)
	require.NoError(t, err)
	r, clock := idle(t)
	r.bucket = b
	r.revision, err = b.put(t.Context(), replicaPrefix+"self", announcement{}.encode(), 0)
	require.NoError(t, err)
	revision, err := b.put(t.Context(), ownersKey, []byte("nonsense"), 0)
	require.NoError(t, err)
	require.NoError(t, r.look(t.Context()), "nothing to lose")
	var all owners
	for shard := range all {
		all[shard] = "self"
	}
	revision, err = b.put(t.Context(), ownersKey, all.encode(), revision)
	require.NoError(t, err)
	require.NoError(t, r.look(t.Context()))
	r.renewedAt(*clock)
	r.publish()
	assert.Equal(t, Every, r.Mine())

	_, err = b.put(t.Context(), ownersKey, []byte("nonsense"), revision)
	require.NoError(t, err)
	require.ErrorIs(t, r.look(t.Context()), errLost)
	r.publish()
	assert.Zero(t, r.Mine())
	assert.True(t, r.again)
}
