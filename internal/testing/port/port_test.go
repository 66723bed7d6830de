package port

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFree(t *testing.T) {
	seen := map[string]bool{}
	for range 2 * block {
		address := Free(t)
		require.False(t, seen[address])
		seen[address] = true
		ln, err := net.Listen("tcp", address)
		require.NoError(t, err)
		require.NoError(t, ln.Close())
	}
}

// Nobody listens yet on what the one has handed out when the other looks for something free.
func TestAllocatorsStayApart(t *testing.T) {
	var one, other allocator
	t.Cleanup(func() {
		for _, guard := range append(one.guards, other.guards...) {
			assert.NoError(t, guard.Close())
		}
	})
	seen := map[string]bool{}
	for range 2 * block {
		for _, a := range []*allocator{&one, &other} {
			address, ok := a.free()
			require.True(t, ok)
			require.False(t, seen[address], address)
			seen[address] = true
		}
	}
	assert.Len(t, one.guards, 3)
}

func TestWhatIsTakenIsPassedOver(t *testing.T) {
	var a allocator
	require.True(t, a.claim())
	defer func() { assert.NoError(t, a.guards[0].Close()) }()
	ln, err := net.Listen("tcp", loopback(a.next))
	require.NoError(t, err)
	defer func() { assert.NoError(t, ln.Close()) }()
	address, ok := a.free()
	require.True(t, ok)
	assert.NotEqual(t, ln.Addr().String(), address)
}
