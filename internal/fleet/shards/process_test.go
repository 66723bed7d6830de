package shards

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/child"
)

// replicaChild is a replica in a process of its own, until its standard input closes. It prints
// which shards it has, and from when on that is certain, when they change and whenever it did not
// run for a while.
func replicaChild(url string) int {
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer cancel()
		_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	}()
	nc, err := nats.Connect(url, nats.ReconnectBufSize(-1), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond),
		nats.Timeout(patience))
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	defer nc.Close()
	r, err := Open(ctx, nc, Options{Name: "child", TTL: short})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	go watchMine(ctx, r)
	if err := r.Run(ctx); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	return 0
}

func watchMine(ctx context.Context, r *Replica) {
	const gap = 50 * time.Millisecond
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	said, last := Set(0), time.Now()
	for ctx.Err() == nil {
		at := time.Now()
		if set := r.Mine(); set != said || at.Sub(last) > gap {
			fmt.Printf("%x %d\n", uint64(set), at.UnixNano())
			said = set
		}
		last = at
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}

// has reads what the child says it has, and from when on, until that is what is wanted.
func has(t *testing.T, c *child.Child, wanted func(set Set, from time.Time) bool) {
	t.Helper()
	for {
		line := c.Line(t)
		var set Set
		var nanos int64
		_, err := fmt.Sscanf(line, "%x %d", (*uint64)(&set), &nanos)
		require.NoError(t, err, line)
		if wanted(set, time.Unix(0, nanos)) {
			return
		}
	}
}

// A process that is stopped for longer than its leases last has none when it wakes, not for a
// moment.
func TestStoppedProcessWakesWithoutShards(t *testing.T) {
	t.Parallel()
	url := startServer(t)
	c := child.Start(t, childReplica+"="+url)
	has(t, c, func(set Set, _ time.Time) bool { return set == Every })
	// The child waits for so long until it may have shards again: it cannot have any when it
	// reports.
	r := start(t, url, Options{Name: "r", TTL: 4 * short})
	has(t, c, func(set Set, _ time.Time) bool { return set.Len() == Count/2 })

	stopping := time.Now()
	require.NoError(t, c.Process.Signal(syscall.SIGSTOP))
	eventually(t, hasAll(r), "r takes over")
	waking := time.Now()
	require.NoError(t, c.Process.Signal(syscall.SIGCONT))
	has(t, c, func(set Set, from time.Time) bool {
		require.False(t, set != 0 && from.After(waking), "it has %d shards that are another's", set.Len())
		return set == 0 && from.After(stopping)
	})
}

// serverProcess starts a server in a process of its own and returns where it listens.
func serverProcess(t *testing.T, dir string) (*child.Child, string) {
	t.Helper()
	c := child.Start(t, childServer+"="+dir)
	return c, c.Line(t)
}

func TestServerIsKilledAndRestarted(t *testing.T) {
	t.Parallel()
	dir, check := t.TempDir(), newChecker(t)
	server, url := serverProcess(t, dir)
	proxy := startProxy(t, url)
	replicas := launch(t, "nats://"+proxy.Addr(), check, 2, short)
	eventually(t, shared(replicas...), "two share")
	for range 2 {
		server.Kill()
		eventually(t, func() bool { return replicas[0].Mine()|replicas[1].Mine() == 0 }, "nobody has any")
		server, url = serverProcess(t, dir)
		proxy.SetTarget(strings.TrimPrefix(url, "nats://"))
		eventually(t, shared(replicas...), "two share again")
	}
}
