package poller_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

// world is a poller in a bubble, with what it works on.
type world struct {
	*testing.T
	source *fakeSource
	store  *memStore
	poller *poller.Poller
	ctx    context.Context
	stop   func() // ends Run and waits for it
}

// inWorld runs a test in a bubble of synthetic time, with a poller that runs. set prepares the
// world before that.
func inWorld(t *testing.T, opts poller.Options, test func(w *world), set ...func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{T: t, source: newSource(), store: newStore()}
		for _, f := range set {
			f(w)
		}
		w.run(opts)
		<-w.poller.Ready()
		test(w)
		w.stop()
		assert.Zero(t, w.source.overlaps, "a meeting was looked at twice at the same time")
	})
}

func (w *world) run(opts poller.Options) {
	p, err := poller.New(w.source, w.store, opts)
	require.NoError(w, err)
	ctx, cancel := context.WithCancel(w.Context())
	done := make(chan error, 1)
	go func() { done <- p.Run(ctx) }()
	w.poller, w.ctx = p, ctx
	w.stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(w, <-done)
	})
}

func (w *world) watch(ids ...string) {
	w.Helper()
	for _, id := range ids {
		_, err := w.poller.Watch(w.ctx, id, "")
		require.NoError(w, err)
	}
}

// sleep lets synthetic time pass and waits until everything is quiet.
func (w *world) sleep(d time.Duration) {
	time.Sleep(d) // synthetic: the bubble's clock
	synctest.Wait()
}

// elapsed is the synthetic time since the bubble began.
func (w *world) elapsed() time.Duration { return time.Since(w.source.start) }

func (w *world) watched(id string) bool {
	_, _, err := w.poller.Meeting(w.ctx, id)
	return err == nil
}

// until lets time pass until something is so, a second at most beyond which it fails.
func (w *world) until(limit time.Duration, what string, so func() bool) time.Duration {
	w.Helper()
	began := time.Now()
	for !so() {
		if time.Since(began) > limit {
			require.Fail(w, "too late", "%s: not within %v", what, limit)
		}
		w.sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// names returns n meetings.
func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("m%05d", i)
	}
	return out
}

func watchedIDs(p *poller.Poller) []string {
	out := []string{}
	for _, s := range p.Meetings() {
		out = append(out, s.ConferenceID)
	}
	return out
}
