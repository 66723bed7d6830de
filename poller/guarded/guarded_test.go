package guarded_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/c4342123/rollcall/poller/guarded"
)

func TestOnlyOneAtATime(t *testing.T) {
	count := guarded.New(0)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			for range 100 {
				count.With(func(n *int) { *n++ })
			}
		})
	}
	all.Wait()
	assert.Equal(t, 5000, guarded.Get(count, func(n *int) int { return *n }))
}

func TestPanicLeavesItUnlocked(t *testing.T) {
	count := guarded.New(0)
	assert.Panics(t, func() { count.With(func(*int) { panic("broken") }) })
	assert.Panics(t, func() { guarded.Get(count, func(*int) int { panic("broken") }) })
	count.With(func(n *int) { *n = 1 })
	assert.Equal(t, 1, guarded.Get(count, func(n *int) int { return *n }))
}
