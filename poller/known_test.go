package poller

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/poller/guarded"
)

func TestKnown(t *testing.T) {
	f := &fixed{}
	p := &Poller{fixed: f, table: guarded.New(locked{fixed: f, held: 0b1111, complete: 0b0111})}
	assert.Empty(t, p.Known(), "before the states have been read")
	p.table.With(func(t *locked) { t.loaded = true })
	assert.Equal(t, []int{0, 1, 2}, p.Known())
	p.opts.Shards = lost{}
	assert.Equal(t, []int{1, 2}, p.Known(), "what is lost is not waited for to be let go")
}

// lost has every shard but the first.
type lost struct{}

func (lost) Owns(shard int) bool      { return shard > 0 }
func (lost) Changed() <-chan struct{} { return nil }
