package doctor

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/port"
	"github.com/c4342123/rollcall/publisher"
)

// three starts servers that replicate.
func three(t *testing.T) []*server.Server {
	t.Helper()
	var addresses, routes []string
	for range 3 {
		address := port.Free(t)
		addresses, routes = append(addresses, address), append(routes, `"nats://`+address+`"`)
	}
	var all []*server.Server
	for i, address := range addresses {
		all = append(all, broker(t, fmt.Sprintf(`server_name: n%d
jetstream { store_dir: "HERE" }
cluster { name: C, listen: %q, routes: [%s] }`, i, address, strings.Join(routes, ", "))))
	}
	require.Eventually(t, func() bool {
		leaders, current := 0, 0
		for _, s := range all {
			if s.JetStreamIsLeader() {
				leaders++
			}
			if s.JetStreamIsCurrent() {
				current++
			}
		}
		return leaders == 1 && current == 3
	}, waiting, 10*time.Millisecond)
	return all
}

// A cluster of which a server is away takes new streams all the same (2.15.3), and the doctor names
// it once the stream is there; without most of its servers nothing works.
func TestServersOfAClusterAreAway(t *testing.T) {
	t.Parallel()
	servers := three(t)
	s := user(patient(t), servers[0], "")
	s.Store.Replicas = 3
	found, well := findings(t, s)
	assert.True(t, well, whole(found))
	assert.Contains(t, found["storing"].Text, "with 3 replicas", whole(found))
	_, err := publisher.Open(t.Context(), manager(t, servers[0], "").Conn(), publisher.Options{CorpID: "corp", Replicas: 3})
	require.NoError(t, err)

	servers[1].Shutdown()
	servers[1].WaitForShutdown()
	require.Eventually(t, func() bool {
		found, well = findings(t, s)
		return well && found["stream"].Verdict == Note && strings.Contains(found["stream"].Text, "n1")
	}, waiting, 100*time.Millisecond, "the cluster notices")
	assert.Contains(t, found["stream"].Mend, "start them again")

	servers[2].Shutdown()
	servers[2].WaitForShutdown()
	require.Eventually(t, func() bool {
		found, well = findings(t, s)
		return !well
	}, waiting, 100*time.Millisecond, "nothing works")
}
