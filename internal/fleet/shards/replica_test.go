package shards

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// forever is a TTL for tests of what has to wait for no time-out: the longest.
const forever = MaxTTL

// short is a TTL for tests in which time-outs have to pass.
const short = time.Second

func hasAll(r *replica) func() bool { return func() bool { return r.Mine() == Every } }

// shared tells whether the replicas have all shards between them, evenly.
func shared(replicas ...*replica) func() bool {
	return func() bool {
		var all Set
		for _, r := range replicas {
			mine := r.Mine()
			all |= mine
			if n := mine.Len(); n < Count/len(replicas) || n > Count/len(replicas)+1 || !r.Admitted() || r.Live() != len(replicas) {
				return false
			}
		}
		return all == Every
	}
}

func TestOneReplicaHasAllShardsWithoutWaiting(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	a := start(t, url, Options{Name: "a", TTL: forever})
	atOnce(t, hasAll(a), "all shards")
	assert.True(t, a.Admitted())
	assert.Equal(t, 1, a.Live())
	assert.Equal(t, "a", a.Owner(0))
	assert.Equal(t, "a", a.Owner(63))
	assert.Empty(t, a.Owner(-1))
	assert.Empty(t, a.Owner(64))
	assert.True(t, a.Owns(5))
	assert.False(t, a.Owns(64))
	assert.ErrorContains(t, a.Run(t.Context()), "twice")

	a.stop()
	assert.Zero(t, a.Mine())
	assert.False(t, a.Admitted())

	b := start(t, url, Options{Name: "b", TTL: forever})
	atOnce(t, hasAll(b), "whoever stops cleanly leaves nothing to wait for")
}

// A format counts as one that all can do while every live replica says so: one from before there
// were formats says nothing, and one that cannot be read is no other.
func TestAFormatThatAllCan(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	a := start(t, url, Options{Name: "a", Format: 2, TTL: short})
	eventually(t, func() bool { return a.Can(2) }, "a is alone")
	assert.False(t, a.Can(3))
	b := start(t, url, Options{Name: "b", Format: 3, TTL: short})
	eventually(t, func() bool { return a.Live() == 2 && a.Can(2) && b.Can(2) && !b.Can(3) }, "both can")
	old := start(t, url, Options{Name: "old", TTL: short})
	eventually(t, func() bool { return a.Live() == 3 }, "a third comes")
	assert.False(t, a.Can(2))
	eventually(t, func() bool { return !b.Can(2) }, "b knows it, too")
	old.stop()
	eventually(t, func() bool { return a.Can(2) && b.Can(2) }, "it has gone")
	a.stop()
	assert.False(t, a.Can(1), "who does not take part knows of no others")
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	a := start(t, startServer(t), Options{TTL: forever})
	told := func(want Set) {
		t.Helper()
		for deadline := time.After(forever * 3 / 4); a.Mine() != want; {
			select {
			case <-a.Changed():
			case <-deadline:
				require.Fail(t, "not told")
			}
		}
	}
	told(Every)
	assert.NotEmpty(t, a.Owner(0), "a name is made up")
	a.cancel()
	told(0)
}

func TestJoiningReplicasGetTheirShare(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	a := launch(t, url, check, 1, short)[0]
	eventually(t, hasAll(a), "a is alone")
	b := launch(t, url, check, 1, short)[0]
	eventually(t, shared(a, b), "two share")
	c := launch(t, url, check, 1, short)[0]
	eventually(t, shared(a, b, c), "three share")
	eventually(t, func() bool {
		for shard := range Count {
			if name := a.Owner(shard); name == "" || name != b.Owner(shard) || name != c.Owner(shard) {
				return false
			}
		}
		return true
	}, "all name the same owners")
}

// A replica that stops hands over without anybody having to wait for a time-out: there is none.
func TestStoppingHandsOver(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	replicas := launch(t, url, check, 3, short)
	eventually(t, shared(replicas...), "three share")
	replicas[1].stop()
	eventually(t, shared(replicas[0], replicas[2]), "two take over")
}

// launch starts n replicas.
func launch(t *testing.T, url string, check *checker, n int, ttl time.Duration) (replicas []*replica) {
	t.Helper()
	for i := range n {
		r := start(t, url, Options{Name: fmt.Sprint("replica", i), TTL: ttl})
		check.watch(r.Replica)
		replicas = append(replicas, r)
	}
	return replicas
}

func TestLeasesAreHeldUntilNobodyLooks(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	release, asked := make(chan struct{}), make(chan Set, 1)
	a := start(t, url, Options{Name: "a", TTL: forever, Quiet: func(ctx context.Context, going Set) {
		asked <- going
		select {
		case <-release:
		case <-ctx.Done():
		}
	}})
	atOnce(t, hasAll(a), "a is alone")
	a.cancel()
	assert.Equal(t, Every, <-asked)
	assert.Zero(t, a.Mine(), "nobody is to look")
	assert.True(t, a.Admitted(), "what is under way may still make calls")
	view, err := a.bucket.read(t.Context(), 0)
	require.NoError(t, err)
	assert.Len(t, view.replicas, 1, "the lease is not given up")
	close(release)
	<-a.done
	view, err = a.bucket.read(t.Context(), 0)
	require.NoError(t, err)
	assert.Empty(t, view.replicas)
}

func TestStoppingDoesNotWaitForeverForQuiet(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	a := start(t, url, Options{Name: "a", TTL: short, Quiet: func(ctx context.Context, _ Set) { <-ctx.Done() }})
	eventually(t, hasAll(a), "a is alone")
	a.stop()
}

func TestManyStartAtTheSameMoment(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	replicas := launch(t, url, check, 6, 2*short)
	eventually(t, shared(replicas...), "six share")
}

// Two of one name do no harm: what tells them apart is made up.
func TestNamesMayCollide(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	a, b := start(t, url, Options{Name: "same", TTL: short}), start(t, url, Options{Name: "same", TTL: short})
	check.watch(a.Replica)
	check.watch(b.Replica)
	eventually(t, shared(a, b), "two share")
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	conn := connect(t, startServer(t))
	for name, tt := range map[string]struct {
		opts Options
		want string
	}{
		"no replicas":       {Options{Replicas: -1}, "replicas: -1"},
		"too many replicas": {Options{Replicas: 6}, "replicas: 6"},
		"TTL too short":     {Options{TTL: time.Millisecond}, "TTL: 1ms"},
		"TTL too long":      {Options{TTL: time.Hour}, "TTL: 1h0m0s"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), conn, tt.opts)
			require.ErrorContains(t, err, tt.want)
		})
	}
	conn.Close()
	_, err := Open(t.Context(), conn, Options{})
	require.ErrorContains(t, err, "open bucket "+Bucket)
}
