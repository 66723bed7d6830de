package publisher

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// member is one of several servers that replicate.
type member interface {
	Name() string
	ClientURL() string
	ReadyForConnections(time.Duration) bool
	Shutdown()
	WaitForShutdown()
}

// cluster runs three servers that replicate, with settings of their own, and returns them. They do
// not tell clients of each other.
func cluster(t testing.TB, set func(*server.Options)) []member {
	t.Helper()
	addresses := []string{port.Free(t), port.Free(t), port.Free(t)}
	var out []member
	for i, address := range addresses {
		_, text, err := net.SplitHostPort(address)
		require.NoError(t, err)
		port, err := strconv.Atoi(text)
		require.NoError(t, err)
		opts := &server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "C", Host: "127.0.0.1", Port: port, NoAdvertise: true},
			Routes:  server.RoutesFromStr("nats://" + strings.Join(addresses, ",nats://")),
		}
		set(opts)
		if binary := natstest.Binary(); binary != "" {
			out = append(out, natstest.Start(t, binary, opts))
			continue
		}
		s, err := server.NewServer(opts)
		require.NoError(t, err)
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		out = append(out, s)
	}
	for _, s := range out {
		require.True(t, s.ReadyForConnections(maxResends))
	}
	return out
}

// urls are where clients find any of the servers.
func urls(servers []member) string {
	var out []string
	for _, s := range servers {
		out = append(out, s.ClientURL())
	}
	return strings.Join(out, ",")
}

// openInTime opens a publisher on a cluster that may still be electing its leaders, and runs it
// until the test ends.
func openInTime(t testing.TB, nc *nats.Conn) (p *Publisher) {
	t.Helper()
	require.Eventually(t, func() (opened bool) {
		var err error
		p, err = Open(t.Context(), nc, Options{Replicas: 3, GiveUpAfter: maxResends})
		return err == nil
	}, maxResends, 100*time.Millisecond)
	run(t, p)
	return p
}

func TestReplicatedStreamSurvivesItsLeader(t *testing.T) {
	t.Parallel()
	servers := cluster(t, func(o *server.Options) { o.StoreDir = disk.Fast(t) })
	one, two := openInTime(t, connect(t, urls(servers))), openInTime(t, connect(t, urls(servers)))
	race(t, one, two, 30)

	st, err := one.js.Stream(t.Context(), events.Stream)
	require.NoError(t, err)
	require.Equal(t, 3, st.CachedInfo().Config.Replicas)
	for _, s := range servers {
		if s.Name() == st.CachedInfo().Cluster.Leader {
			s.Shutdown()
			s.WaitForShutdown()
		}
	}
	r := newRoom("after").join("ann").join("bob")
	require.Eventually(t, func() bool {
		rec, err := two.Load(t.Context(), r.id)
		if err != nil {
			return false
		}
		_, _, err = two.Update(t.Context(), rec, r.compare())
		return err == nil
	}, maxResends, 50*time.Millisecond)
	assert.Len(t, verify(t, two.nc, two, r.id), 2)
	assert.Len(t, verify(t, two.nc, two, "room"), 30)
}
