package shards

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"
)

// clusterChild is one server of a cluster, as "name port routes" say, until its standard input closes.
func clusterChild(dir, spec string) int {
	var name, routes string
	var port int
	if _, err := fmt.Sscan(spec, &name, &port, &routes); err != nil {
		fmt.Println("error:", err)
		return 1
	}
	s, err := server.NewServer(&server.Options{
		ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "C", Host: "127.0.0.1", Port: port}, Routes: server.RoutesFromStr(routes),
	})
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		fmt.Println("error: not ready")
		return 1
	}
	fmt.Println(s.ClientURL())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	s.Shutdown()
	s.WaitForShutdown()
	return 0
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

// cluster starts three servers that replicate, each in a process of its own, and returns them by name, and their URLs.
func cluster(t *testing.T) (servers map[string]*child, urls string) {
	t.Helper()
	var routes, clients []string
	ports := freePorts(t, 3)
	for _, port := range ports {
		routes = append(routes, fmt.Sprint("nats://127.0.0.1:", port))
	}
	servers = map[string]*child{}
	for i, port := range ports {
		name := fmt.Sprint("n", i)
		servers[name] = startChild(t, childServer+"="+fastDir(t),
			childCluster+"="+fmt.Sprint(name, " ", port, " ", strings.Join(routes, ",")))
	}
	for _, c := range servers {
		clients = append(clients, c.line(t))
	}
	return servers, strings.Join(clients, ",")
}

func TestLeaderOfTheServersIsKilled(t *testing.T) {
	t.Parallel()
	servers, urls := cluster(t)
	check := newChecker(t)
	var replicas []*replica
	for i := range 2 {
		r := start(t, urls, Options{Name: fmt.Sprint("replica", i), TTL: short, Replicas: 3})
		check.watch(r.Replica)
		replicas = append(replicas, r)
	}
	eventually(t, shared(replicas...), "two share")

	js, err := jetstream.New(connect(t, urls))
	require.NoError(t, err)
	st, err := js.Stream(t.Context(), streamName)
	require.NoError(t, err)
	require.Equal(t, 3, st.CachedInfo().Config.Replicas)
	before := []*standing{replicas[0].standing.Load(), replicas[1].standing.Load()}
	servers[st.CachedInfo().Cluster.Leader].kill()
	eventually(t, sharedSince(before, replicas), "two share again")
}
