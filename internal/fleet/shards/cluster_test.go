package shards

import (
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/child"
	"github.com/c4342123/rollcall/internal/testing/disk"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// member is one server of a cluster.
type member struct{ *server.Server }

// startMember starts a server as "name address routes" say, of which the address is that for the
// other servers.
func startMember(dir, spec string) (member, error) {
	var name, address, routes string
	if _, err := fmt.Sscan(spec, &name, &address, &routes); err != nil {
		return member{}, err
	}
	addr, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		return member{}, err
	}
	s, err := server.NewServer(&server.Options{
		ServerName: name, Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true,
		Cluster: server.ClusterOpts{Name: "C", Host: "127.0.0.1", Port: addr.Port}, Routes: server.RoutesFromStr(routes),
	})
	if err != nil {
		return member{}, err
	}
	s.Start()
	if !s.ReadyForConnections(time.Minute) {
		return member{}, errors.New("not ready")
	}
	return member{s}, nil
}

func (m member) Close() error {
	m.Shutdown()
	m.WaitForShutdown()
	return nil
}

// cluster starts three servers that replicate, each in a process of its own, and returns them by
// name, and their URLs.
func cluster(t *testing.T) (servers map[string]*child.Child, urls string) {
	t.Helper()
	var routes, clients []string
	addresses := []string{port.Free(t), port.Free(t), port.Free(t)}
	for _, address := range addresses {
		routes = append(routes, "nats://"+address)
	}
	servers = map[string]*child.Child{}
	for i, address := range addresses {
		name := fmt.Sprint("n", i)
		servers[name] = child.Start(t, childServer+"="+disk.Fast(t),
			childCluster+"="+fmt.Sprint(name, " ", address, " ", strings.Join(routes, ",")))
	}
	for _, c := range servers {
		clients = append(clients, c.Line(t))
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
	servers[st.CachedInfo().Cluster.Leader].Kill()
	eventually(t, sharedSince(before, replicas), "two share again")
}
