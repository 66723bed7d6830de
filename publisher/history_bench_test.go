package publisher

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/testing/disk"
)

var (
	history = flag.Int("history", 5000, "meetings of 20 people that BenchmarkHistory stores")
	settle  = flag.Duration("settle", 2*time.Minute, "until the server has dropped its caches, after which its memory counts")
)

// BenchmarkHistory stores ended meetings of 20 people with their events, and measures what a stored
// message takes of the server's memory: where every message has a time to live of its own, and where
// meetings expire as a whole. Those are then removed while somebody commits, again and again.
func BenchmarkHistory(b *testing.B) {
	for name, whole := range map[string]bool{"ttl": false, "whole": true} {
		b.Run(name, func(b *testing.B) { benchmarkHistory(b, whole) })
	}
}

func benchmarkHistory(b *testing.B, whole bool) {
	b.Helper()
	nc := connect(b, startEmbedded(b, disk.Fast(b)).ClientURL())
	if !whole {
		plainStream(b, nc)
	}
	p := open(b, nc, Options{Retention: 720 * time.Hour})
	heapBefore, before := memory(b)
	for _, err := range each(64, func(w int) error {
		for i := w; i < *history; i += 64 {
			if err := playWhole(p, meetingName(i)); err != nil {
				return err
			}
		}
		return nil
	}) {
		require.NoError(b, err)
	}
	time.Sleep(*settle)
	state, err := p.streamState(b.Context(), events.AllMembers)
	require.NoError(b, err)
	heap, resident := memory(b)
	b.ReportMetric(float64(heap-heapBefore)/float64(state.Msgs), "heap-B/message")
	b.ReportMetric(float64(resident-before)/float64(state.Msgs), "resident-B/message")
	b.ReportMetric(float64(state.Msgs), "messages")
	if !whole {
		return
	}
	alone := commitsFor(b, p, 10*time.Second, nil)
	s := NewSweeper(p)
	s.ahead = 1000 * time.Hour
	began, removed := time.Now(), 0
	sweeping := commitsFor(b, p, time.Minute, func() bool {
		swept, err := s.Sweep(b.Context())
		require.NoError(b, err)
		removed += swept.Meetings
		return swept.More
	})
	b.ReportMetric(float64(removed)/time.Since(began).Seconds(), "removed/s")
	for name, took := range map[string][]time.Duration{"alone": alone, "sweeping": sweeping} {
		b.ReportMetric(took[len(took)/2].Seconds()*1000, "ms-median-"+name)
		b.ReportMetric(took[len(took)*99/100].Seconds()*1000, "ms-p99-"+name)
		b.ReportMetric(took[len(took)-1].Seconds()*1000, "ms-max-"+name)
	}
}

// playWhole stores a meeting of 20 people, who come one after the other and leave at its end.
func playWhole(p *Publisher, id string) error {
	r := newRoom(id)
	rec, _, err := p.Update(context.Background(), Record{State: diff.New(id)}, watchFrom(r))
	for i := 0; i < 20 && err == nil; i += 5 {
		for k := range 5 {
			r.join(fmt.Sprint("person-", i+k))
		}
		rec, _, err = p.Update(context.Background(), rec, r.compare())
	}
	if err == nil {
		r.over = true
		_, _, err = p.Update(context.Background(), rec, diff.All{r.compare(), diff.End{At: r.now + 200, Reason: events.EndEnded}})
	}
	return err
}

// commitsFor commits one after the other for a time, or until what is done beside that has nothing
// more to do, and returns how long they took, shortest first.
func commitsFor(b *testing.B, p *Publisher, d time.Duration, do func() bool) (took []time.Duration) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), d)
	defer cancel()
	var beside sync.WaitGroup
	defer beside.Wait()
	if do != nil {
		beside.Go(func() {
			defer cancel()
			for ctx.Err() == nil && do() {
			}
		})
	}
	r := newRoom("office-" + strconv.Itoa(int(d.Seconds())))
	rec := Record{State: diff.New(r.id)}
	for i := 0; ctx.Err() == nil; i++ {
		began := time.Now()
		var err error
		rec, _, err = p.Update(b.Context(), rec, r.join(fmt.Sprint("person-", i)).compare())
		require.NoError(b, err)
		took = append(took, time.Since(began))
		time.Sleep(5 * time.Millisecond)
	}
	slices.Sort(took)
	return took
}

// memory is what this process, in which the server runs, has of memory, in bytes: in its heap, and in
// all, once what is not used any more is given back.
func memory(b *testing.B) (heap, resident int) {
	b.Helper()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(b, err)
	_, rest, ok := bytes.Cut(status, []byte("VmRSS:"))
	require.True(b, ok)
	kilobytes, err := strconv.Atoi(string(bytes.Fields(rest)[0]))
	require.NoError(b, err)
	return int(m.HeapAlloc), kilobytes << 10
}
