package publisher

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
)

// cluster runs three servers that replicate, and returns them.
func cluster(t *testing.T) []*server.Server {
	t.Helper()
	ports := freePorts(t, 3)
	var routes []string
	for _, port := range ports {
		routes = append(routes, fmt.Sprint("nats://127.0.0.1:", port))
	}
	var out []*server.Server
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("n", i), Host: "127.0.0.1", Port: server.RANDOM_PORT,
			JetStream: true, StoreDir: fastDir(t), NoSigs: true, NoLog: true,
			Cluster: server.ClusterOpts{Name: "C", Host: "127.0.0.1", Port: port},
			Routes:  server.RoutesFromStr(strings.Join(routes, ",")),
		})
		require.NoError(t, err)
		s.Start()
		t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
		out = append(out, s)
	}
	for _, s := range out {
		require.True(t, s.ReadyForConnections(10*time.Second))
	}
	return out
}

// freePorts finds ports that nobody listens on.
func freePorts(t *testing.T, n int) (ports []int) {
	t.Helper()
	var lc net.ListenConfig
	for range n {
		l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
		require.NoError(t, err)
		defer func() { require.NoError(t, l.Close()) }()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func TestReplicatedStreamSurvivesItsLeader(t *testing.T) {
	t.Parallel()
	servers := cluster(t)
	urls := servers[0].ClientURL() + "," + servers[1].ClientURL() + "," + servers[2].ClientURL()
	patient := nats.Timeout(time.Second)
	opts := Options{Replicas: 3, AckTimeout: 2 * time.Second, GiveUpAfter: 20 * time.Second}
	var one *Publisher
	require.Eventually(t, func() bool {
		var err error
		one, err = Open(t.Context(), connect(t, urls, patient), opts)
		return err == nil
	}, 20*time.Second, 100*time.Millisecond)
	run(t, one)
	two := open(t, connect(t, urls, patient), opts)
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
	}, 30*time.Second, 50*time.Millisecond)
	assert.Len(t, verify(t, two.nc, two, r.id), 2)
	assert.Len(t, verify(t, two.nc, two, "room"), 30)
}
