// Package port finds ports for servers whose address has to be known before they listen.
package port

import (
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// The ports lie below those that the system hands out to listeners that name none, and to clients:
// one of these may be taken by the time it is used.
const (
	lowest  = 10_000
	highest = 30_000
)

// block is how many ports belong together. Who listens on the first may hand out the others: a
// server that is down for a while must find its port free when it is back, whatever tests of other
// packages run at the same time.
const block = 100

// allocator hands out ports that no other allocator does, of this process or another one.
type allocator struct {
	mu     sync.Mutex
	guards []net.Listener // kept open, which is what they are for
	next   int
	rest   int // of the block, next included
}

var ports allocator

// Free returns an address of the loopback, host:port, where nothing listens. No other caller, in
// any process, gets the same one as long as this process runs.
func Free(t testing.TB) string {
	t.Helper()
	ports.mu.Lock()
	defer ports.mu.Unlock()
	address, ok := ports.free()
	require.True(t, ok, "no port is free")
	return address
}

func (a *allocator) free() (address string, ok bool) {
	for a.rest > 0 || a.claim() {
		address := loopback(a.next)
		a.next, a.rest = a.next+1, a.rest-1
		if !Taken(address) {
			return address, true
		}
	}
	return "", false
}

// Taken tells whether a program listens on an address, host:port. It does not try to listen itself:
// a program that another test starts meanwhile holds a copy of the socket for a moment after it is
// closed.
func Taken(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return false
	}
	_ = conn.Close()
	return true
}

// claim makes a block this allocator's.
func (a *allocator) claim() bool {
	for _, n := range rand.Perm((highest - lowest) / block) {
		first := lowest + n*block
		if guard, err := net.Listen("tcp", loopback(first)); err == nil {
			a.guards = append(a.guards, guard)
			a.next, a.rest = first+1, block-1
			return true
		}
	}
	return false
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
