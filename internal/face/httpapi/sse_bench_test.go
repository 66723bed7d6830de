package httpapi

import (
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// 200 readers hear an event, of whom one has stopped reading: how long it takes until each of the
// others has it, and the longest that any of them waited for any event.
func BenchmarkReaders(b *testing.B) {
	const readers = 200
	c := broadcasting(b, 0, patience{stall: time.Second})
	var hearing sync.WaitGroup
	b.Cleanup(hearing.Wait) // when what they listen to is closed
	stalled := c.listen("/v1/events", "")
	var heard, slowest atomic.Int64
	var put atomic.Int64 // when the event was stored that is under way
	all := make(chan struct{})
	for range readers - 1 {
		l := c.listen("/v1/events", "")
		hearing.Go(func() {
			for l.lines.Scan() {
				if !strings.HasPrefix(l.lines.Text(), "data: ") {
					continue
				}
				took := time.Now().UnixNano() - put.Load()
				for seen := slowest.Load(); took > seen && !slowest.CompareAndSwap(seen, took); seen = slowest.Load() {
				}
				if heard.Add(1)%(readers-1) == 0 {
					all <- struct{}{}
				}
			}
		})
	}
	nick := strings.Repeat("x", 16<<10) // together they are more than the buffers on the way to the stalled reader take
	for b.Loop() {
		put.Store(time.Now().UnixNano())
		c.put(b, "a", nick)
		<-all
	}
	b.ReportMetric(float64(slowest.Load())/1e6, "slowest-ms")
	if b.N >= 3000 { // else the buffers have taken all of it
		for stalled.lines.Scan() {
			continue // what was under way
		}
		require.Error(b, stalled.lines.Err(), "cut off in the middle")
	}
}
