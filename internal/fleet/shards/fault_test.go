package shards

import (
	"context"
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

func TestOthersTakeOverFromTheDead(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	replicas := launch(t, url, check, 3, short)
	eventually(t, shared(replicas...), "three share")
	replicas[2].conn.Close() // it cannot even say that it stops
	eventually(t, shared(replicas[0], replicas[1]), "two take over")
	assert.Zero(t, replicas[2].Mine())
	assert.False(t, replicas[2].Admitted())
}

// Cut off, a replica gives up by itself, and is one of them again when it is back.
func TestCutOffReplicaGivesUpAndReturns(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	proxy := startProxy(t, url)
	a, b := start(t, url, Options{Name: "a", TTL: short}), start(t, "nats://"+proxy.Addr(), Options{Name: "b", TTL: short})
	check.watch(a.Replica)
	check.watch(b.Replica)
	eventually(t, shared(a, b), "two share")
	for name, fault := range map[string]struct{ cut, heal func(*faultproxy.Proxy) }{
		"connection refused": {
			func(p *faultproxy.Proxy) { p.Refuse(true); p.Cut() },
			func(p *faultproxy.Proxy) { p.Refuse(false) },
		},
		"answers are lost": {
			func(p *faultproxy.Proxy) { p.ToClient(faultproxy.Swallow) },
			func(p *faultproxy.Proxy) { p.ToClient(nil); p.Cut() },
		},
		"requests are lost": {
			func(p *faultproxy.Proxy) { p.ToServer(faultproxy.Swallow) },
			func(p *faultproxy.Proxy) { p.ToServer(nil); p.Cut() },
		},
	} {
		t.Run(name, func(t *testing.T) {
			fault.cut(proxy)
			eventually(t, hasAll(a), "a has all")
			assert.Zero(t, b.Mine())
			eventually(t, func() bool { return a.Live() == 1 }, "a is alone")
			fault.heal(proxy)
			eventually(t, shared(a, b), "two share again")
		})
	}
}

// When NATS is away everybody stops; nobody is taken for dead for that, and all go on with what
// they had.
func TestAnOutageTakesNothingFromAnybody(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	proxy := startProxy(t, url)
	replicas := launch(t, "nats://"+proxy.Addr(), check, 2, short)
	eventually(t, shared(replicas...), "two share")
	proxy.Refuse(true)
	proxy.Cut()
	for _, r := range replicas {
		eventually(t, func() bool { return r.Mine() == 0 && !r.Admitted() }, "nobody has any")
	}
	proxy.Refuse(false)
	eventually(t, shared(replicas...), "two share again")
}

// tampering is what somebody else may do to the bucket.
type tampering struct {
	name string
	do   func(ctx context.Context, js jetstream.JetStream, kv jetstream.KeyValue) error
}

var tamperings = []tampering{
	{"a replica is made up", func(ctx context.Context, _ jetstream.JetStream, kv jetstream.KeyValue) error {
		_, err := kv.Put(ctx, replicaPrefix+"ghost", []byte("boo"))
		return err
	}},
	{"a key of somebody else", func(ctx context.Context, _ jetstream.JetStream, kv jetstream.KeyValue) error {
		_, err := kv.Put(ctx, "something.else", []byte("x"))
		return err
	}},
	{"the owners are overwritten", func(ctx context.Context, _ jetstream.JetStream, kv jetstream.KeyValue) error {
		_, err := kv.Put(ctx, ownersKey, []byte("nonsense"))
		return err
	}},
	{"the owners are deleted", func(ctx context.Context, _ jetstream.JetStream, kv jetstream.KeyValue) error {
		return kv.Delete(ctx, ownersKey)
	}},
	{"the bucket is emptied", func(ctx context.Context, js jetstream.JetStream, _ jetstream.KeyValue) error {
		st, err := js.Stream(ctx, streamName)
		if err != nil {
			return err
		}
		return st.Purge(ctx)
	}},
	{"the bucket is deleted", func(ctx context.Context, js jetstream.JetStream, _ jetstream.KeyValue) error {
		return js.DeleteKeyValue(ctx, Bucket)
	}},
}

// sharedSince tells whether the replicas share evenly and have all been heard of for longer than a
// TTL since they were in a certain standing: they have noticed whatever happened then.
func sharedSince(before []*standing, replicas []*replica) func() bool {
	return func() bool {
		for i, r := range replicas {
			if s := holding(r.Replica); s == nil || s.sent.atLeast(before[i].sent) <= r.opts.TTL {
				return false
			}
		}
		return shared(replicas...)()
	}
}

// Whatever is done to the bucket, no two have a shard meanwhile, and in the end all shards are
// shared again.
func TestTheBucketIsTamperedWith(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	replicas := launch(t, url, check, 2, short)
	eventually(t, shared(replicas...), "two share")
	js, err := jetstream.New(connect(t, url))
	require.NoError(t, err)
	for _, tt := range tamperings {
		t.Run(tt.name, func(t *testing.T) {
			kv, err := js.KeyValue(t.Context(), Bucket)
			require.NoError(t, err)
			before := []*standing{replicas[0].standing.Load(), replicas[1].standing.Load()}
			require.NoError(t, tt.do(t.Context(), js, kv))
			eventually(t, sharedSince(before, replicas), "two share again")
		})
	}
}

// Who deletes a replica's key takes all shards from it: it notices and joins anew.
func TestReplicaIsThrownOut(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	replicas := launch(t, url, nil, 2, short)
	eventually(t, shared(replicas...), "two share")
	view, err := replicas[0].bucket.read(t.Context(), 0)
	require.NoError(t, err)
	for id := range view.replicas {
		require.NoError(t, replicas[0].bucket.remove(t.Context(), replicaPrefix+id, 0))
		break
	}
	before := []*standing{replicas[0].standing.Load(), replicas[1].standing.Load()}
	eventually(t, sharedSince(before, replicas), "two share again")
}
