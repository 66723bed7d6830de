package shards

import (
	"testing"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/faultproxy"
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
			t.Parallel()
			url, check := startServer(t), newChecker(t)
			proxy := startProxy(t, url)
			a, b := start(t, url, Options{Name: "a", TTL: short}), start(t, "nats://"+proxy.Addr(), Options{Name: "b", TTL: short})
			check.watch(a.Replica)
			check.watch(b.Replica)
			eventually(t, shared(a, b), "two share")
			fault.cut(proxy)
			eventually(t, hasAll(a), "a has all")
			assert.Zero(t, b.Mine())
			assert.Equal(t, 1, a.Live())
			fault.heal(proxy)
			eventually(t, shared(a, b), "two share again")
		})
	}
}

// When NATS is away everybody stops; nobody is taken for dead for that, and all go on with what they had.
func TestAnOutageTakesNothingFromAnybody(t *testing.T) {
	t.Parallel()
	url, check := startServer(t), newChecker(t)
	proxy := startProxy(t, url)
	replicas := launch(t, "nats://"+proxy.Addr(), check, 2, short)
	eventually(t, shared(replicas...), "two share")
	proxy.Refuse(true)
	proxy.Cut()
	eventually(t, func() bool { return replicas[0].Mine()|replicas[1].Mine() == 0 }, "nobody has any")
	assert.False(t, replicas[0].Admitted() || replicas[1].Admitted())
	proxy.Refuse(false)
	eventually(t, shared(replicas...), "two share again")
}

// Whatever is done to the bucket, the end is that all shards have one owner again.
func TestTheBucketIsTamperedWith(t *testing.T) {
	for name, tamper := range map[string]func(t *testing.T, js jetstream.JetStream, kv jetstream.KeyValue){
		"the bucket is deleted": func(t *testing.T, js jetstream.JetStream, _ jetstream.KeyValue) {
			require.NoError(t, js.DeleteKeyValue(t.Context(), Bucket))
		},
		"the bucket is emptied": func(t *testing.T, js jetstream.JetStream, _ jetstream.KeyValue) {
			st, err := js.Stream(t.Context(), streamName)
			require.NoError(t, err)
			require.NoError(t, st.Purge(t.Context()))
		},
		"the owners are deleted": func(t *testing.T, _ jetstream.JetStream, kv jetstream.KeyValue) {
			require.NoError(t, kv.Delete(t.Context(), ownersKey))
		},
		"the owners are purged": func(t *testing.T, _ jetstream.JetStream, kv jetstream.KeyValue) {
			require.NoError(t, kv.Purge(t.Context(), ownersKey))
		},
		"the owners are overwritten": func(t *testing.T, _ jetstream.JetStream, kv jetstream.KeyValue) {
			_, err := kv.Put(t.Context(), ownersKey, []byte("nonsense"))
			require.NoError(t, err)
		},
		"a replica is deleted": func(t *testing.T, _ jetstream.JetStream, kv jetstream.KeyValue) {
			keys, err := kv.Keys(t.Context())
			require.NoError(t, err)
			for _, key := range keys {
				if key != ownersKey {
					require.NoError(t, kv.Delete(t.Context(), key))
					return
				}
			}
		},
		"a replica is made up": func(t *testing.T, _ jetstream.JetStream, kv jetstream.KeyValue) {
			_, err := kv.Put(t.Context(), replicaPrefix+"ghost", []byte("boo"))
			require.NoError(t, err)
		},
		"a key of somebody else": func(t *testing.T, _ jetstream.JetStream, kv jetstream.KeyValue) {
			_, err := kv.Put(t.Context(), "something.else", []byte("x"))
			require.NoError(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := startServer(t)
			var check *checker
			if name != "a replica is deleted" { // that is what a replica itself does when it has stopped
				check = newChecker(t)
			}
			replicas := launch(t, url, check, 2, short)
			eventually(t, shared(replicas...), "two share")
			js, err := jetstream.New(connect(t, url))
			require.NoError(t, err)
			kv, err := js.KeyValue(t.Context(), Bucket)
			require.NoError(t, err)
			tamper(t, js, kv)
			for _, r := range replicas {
				before := r.standing.Load().sent
				eventually(t, func() bool {
					s := holding(r.Replica)
					return s != nil && s.sent.atLeast(before) > r.opts.TTL
				}, "announced after that")
			}
			eventually(t, shared(replicas...), "two share again")
		})
	}
}
