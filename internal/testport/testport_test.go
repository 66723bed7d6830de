package testport

import (
	"net"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFree(t *testing.T) {
	seen := map[string]bool{}
	for range 100 {
		address := Free(t)
		assert.False(t, seen[address])
		seen[address] = true
		ln, err := net.Listen("tcp", address)
		require.NoError(t, err)
		defer ln.Close()
	}
}
