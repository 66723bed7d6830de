// Package testport finds ports for servers whose address has to be known before they listen.
package testport

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ports lie below those that the system gives to whoever asks for any, or connects: one of these may be taken by
// the time it is used.
const (
	lowest  = 10_000
	highest = 30_000
)

var (
	mu    sync.Mutex
	given = map[int]bool{}
)

// Free returns an address of the loopback, host:port, where nothing listens. No two calls return the same.
func Free(t testing.TB) string {
	t.Helper()
	mu.Lock()
	defer mu.Unlock()
	for range 1000 {
		port := lowest + rand.IntN(highest-lowest)
		if given[port] {
			continue
		}
		given[port] = true
		address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if ln, err := net.Listen("tcp", address); err == nil {
			require.NoError(t, ln.Close())
			return address
		}
	}
	require.FailNow(t, "no port is free")
	return ""
}
