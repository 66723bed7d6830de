package evidence_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/evidence"
)

// TestTheTreeIsThatOfTlog which is RFC 6962's.
func TestTheTreeIsThatOfTlog(t *testing.T) {
	t.Parallel()
	var tree evidence.Tree
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		var out []tlog.Hash
		for _, i := range indexes {
			out = append(out, stored[i])
		}
		return out, nil
	})
	for n := range int64(300) {
		want, err := tlog.TreeHash(n, reader)
		require.NoError(t, err)
		require.Equal(t, want, tree.Root(), n)
		require.Equal(t, n, tree.Size())
		event := events.HashOf([]byte{byte(n), byte(n >> 8)})
		more, err := tlog.StoredHashesForRecordHash(n, tlog.RecordHash(event[:]), reader)
		require.NoError(t, err)
		stored = append(stored, more...)
		tree.Add(evidence.LeafHash(event))
	}
}

func TestLeavesAreFound(t *testing.T) {
	t.Parallel()
	var all []evidence.Hash
	for n := range 600 {
		all = append(all, evidence.LeafHash(events.HashOf([]byte{byte(n), byte(n >> 8)})))
	}
	leaves := evidence.NewLeaves(all)
	for n, leaf := range all {
		at, ok := leaves.Index(leaf)
		assert.True(t, ok)
		assert.Equal(t, int64(n), at)
	}
	_, ok := leaves.Index(evidence.Hash{})
	assert.False(t, ok)
	assert.Len(t, leaves.Tile(0), 256)
	assert.Len(t, leaves.Tile(2), 88)
	assert.Equal(t, int64(3), evidence.Tiles(600))
	assert.Equal(t, int64(1), evidence.Tiles(256))
	assert.Zero(t, evidence.Tiles(0))
}
