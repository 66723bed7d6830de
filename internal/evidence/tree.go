package evidence

import (
	"crypto/sha256"
	"slices"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/c4342123/rollcall/events"
)

// Hash is the hash of a node of the log's tree.
type Hash = tlog.Hash

// TileSize is how many leaves a tile has, unless it is the last one.
const TileSize = 256

// Tiles is how many tiles a log of so many leaves has.
func Tiles(size int64) int64 { return (size + TileSize - 1) / TileSize }

// LeafHash is the hash in the log's tree of an event that closes a meeting: that of a leaf whose
// record is the SHA-256 hash of the event's payload.
func LeafHash(event events.Hash) Hash { return tlog.RecordHash(event[:]) }

// Closes tells whether events of type t close a meeting, and so are leaves of the log.
func Closes(t events.Type) bool { return t == events.MeetingEnded || t == events.PersonErased }

// Tree is the tree of a log, to which leaves are added: as much of it as is needed for that. The
// zero value is empty.
type Tree struct {
	size int64
	// The roots of the complete subtrees that the leaves make up, the largest first: one for each bit
	// of size.
	parts []Hash
}

// Size is how many leaves there are.
func (t *Tree) Size() int64 { return t.size }

// Add adds a leaf by its hash.
func (t *Tree) Add(leaf Hash) {
	for whole := t.size; whole&1 == 1; whole >>= 1 {
		last := len(t.parts) - 1
		leaf = tlog.NodeHash(t.parts[last], leaf)
		t.parts = t.parts[:last]
	}
	t.parts = append(t.parts, leaf)
	t.size++
}

// Root is the hash of the whole tree; of one without leaves that of nothing.
func (t *Tree) Root() Hash {
	if t.size == 0 {
		return sha256.Sum256(nil)
	}
	root := t.parts[len(t.parts)-1]
	for _, left := range slices.Backward(t.parts[:len(t.parts)-1]) {
		root = tlog.NodeHash(left, root)
	}
	return root
}
