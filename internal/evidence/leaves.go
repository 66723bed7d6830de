package evidence

import (
	"bytes"
	"slices"
)

// Leaves are the leaves of a log, all of them, by which a [Writer] finds where one is.
type Leaves struct {
	all    []Hash
	sorted []int32 // places, in the order of what is there
}

var _ Log = (*Leaves)(nil)

// NewLeaves returns the leaves of a log, in its order.
func NewLeaves(all []Hash) *Leaves {
	l := &Leaves{all: all, sorted: make([]int32, len(all))}
	for i := range l.sorted {
		l.sorted[i] = int32(i)
	}
	slices.SortFunc(l.sorted, func(a, b int32) int { return bytes.Compare(all[a][:], all[b][:]) })
	return l
}

// Index implements [Log].
func (l *Leaves) Index(leaf Hash) (int64, bool) {
	at, ok := slices.BinarySearchFunc(l.sorted, leaf, func(place int32, leaf Hash) int { return bytes.Compare(l.all[place][:], leaf[:]) })
	if !ok {
		return 0, false
	}
	return int64(l.sorted[at]), true
}

// Tile implements [Log].
func (l *Leaves) Tile(index int64) []Hash {
	from := index * TileSize
	return l.all[from:min(from+TileSize, int64(len(l.all)))]
}
