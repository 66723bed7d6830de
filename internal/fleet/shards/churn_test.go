package shards

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/pause"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
)

// Replicas start, stop, die and are cut off at random, many things at once, and nobody ever has
// what another has; when it is over all is shared.
func TestChurn(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	url, check := startServer(t), newChecker(t)
	proxy := startProxy(t, url)
	var live []*replica
	join := func(n int) {
		at := url
		if n%2 == 0 {
			at = "nats://" + proxy.Addr()
		}
		r := start(t, at, Options{Name: fmt.Sprint("replica", n), TTL: short, Quiet: func(ctx context.Context, _ Set) {
			pause.For(ctx, 5*time.Millisecond)
		}})
		check.watch(r.Replica)
		live = append(live, r)
	}
	drop := func(end func(*replica)) {
		if len(live) > 1 {
			i := rng.IntN(len(live))
			end(live[i])
			live = append(live[:i], live[i+1:]...)
		}
	}
	for n := range 30 {
		switch rng.IntN(6) {
		case 0, 1:
			join(n)
		case 2:
			drop((*replica).stop)
		case 3:
			drop(func(r *replica) { r.conn.Close() })
		case 4:
			proxy.Cut()
		case 5:
			proxy.ToClient(faultproxy.Swallow)
			pause.For(t.Context(), time.Duration(rng.Int64N(int64(short))))
			proxy.ToClient(nil)
			proxy.Cut()
		}
		pause.For(t.Context(), time.Duration(rng.Int64N(int64(short/8))))
	}
	for len(live) < 2 {
		join(1)
	}
	require.NotEmpty(t, live)
	eventually(t, shared(live...), "%d share", len(live))
}
