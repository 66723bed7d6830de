package shards

import (
	"testing"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/disk"
)

// restricted starts a server on which the user "reader" may not write to the bucket.
func restricted(t *testing.T) (writer, reader string) {
	t.Helper()
	s, err := server.NewServer(&server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: disk.Fast(t), NoSigs: true, NoLog: true,
		Users: []*server.User{{Username: "writer", Password: "p"}, {Username: "reader", Password: "p", Permissions: &server.Permissions{
			Publish: &server.SubjectPermission{Deny: []string{keyPrefix + ">"}},
		}}},
	})
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(patience))
	address := s.Addr().String()
	return "nats://writer:p@" + address, "nats://reader:p@" + address
}

// A replica that cannot get a lease says so while no other has one.
func TestOrphans(t *testing.T) {
	t.Parallel()
	writer, reader := restricted(t)
	out := start(t, reader, Options{Name: "out", TTL: short})
	isOrphaned := func(want bool) func() bool {
		return func() bool { orphaned, err := out.Orphaned(); return orphaned == want && err != nil }
	}
	eventually(t, isOrphaned(true), "nobody has a lease")

	in := start(t, writer, Options{Name: "in", TTL: short})
	eventually(t, hasAll(in), "one has all")
	orphaned, err := in.Orphaned()
	require.NoError(t, err)
	require.False(t, orphaned)
	eventually(t, isOrphaned(false), "the other knows")

	in.conn.Close() // it cannot say that it stops
	eventually(t, isOrphaned(true), "nobody has a lease any more")
	orphaned, _ = in.Orphaned()
	require.True(t, orphaned)
}
