package xcheck_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

var keys = callback.Keys{Token: "token", AESKey: "4g5j64qlyl3zvetqxz5jiocdr586fn2zvjpa8zls3ij", OwnerKey: simulator.DefaultAppKey}

// everyFault lets about half of the pushes come to harm.
func everyFault() (out []fault.Fault) {
	soon := history.Duration(5 * time.Millisecond)
	for _, f := range []fault.Fault{
		{Kind: fault.PushLost, Probability: 0.1},
		{Kind: fault.PushDoubled, Probability: 0.2},
		{Kind: fault.PushDelayed, Probability: 0.1, Delay: soon},
		{Kind: fault.PushReordered, Probability: 0.1, Delay: 2 * soon},
		{Kind: fault.PushForged, Probability: 0.1},
		{Kind: fault.PushWrongOwner, Probability: 0.1},
		{Kind: fault.PushGarbage, Probability: 0.05},
		{Kind: fault.PushTruncated, Probability: 0.05},
		{Kind: fault.PushOld, Probability: 0.05},
		{Kind: fault.PushUnknownType, Probability: 0.05},
		{Kind: fault.PushNoUser, Probability: 0.05},
		{Kind: fault.PushNoTimes, Probability: 0.05},
	} {
		f.Meeting = "sim-0001"
		out = append(out, f)
	}
	return out
}

// watcher is a meeting that also gets pushes, through the product's own webhook.
type watcher struct {
	*watched
	mu     sync.Mutex
	over   bool
	pushed int           // events that a push announced
	marked chan struct{} // a push about the marker came
}

// Receive compares what a push says.
func (w *watcher) Receive(ctx context.Context, p push.Push) error {
	for _, n := range p.Notices {
		if n.ConferenceID == marker {
			select {
			case w.marked <- struct{}{}:
			case <-ctx.Done():
			}
			continue
		}
		w.receive(n)
	}
	return nil
}

func (w *watcher) receive(n push.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over || len(n.Rows) == 0 {
		return
	}
	now, before := w.clock.Load(), len(w.found)
	w.compare(diff.Snapshot{Kind: diff.Partial, Rows: n.Rows, From: now, At: now, Via: events.ViaPush})
	w.pushed += len(w.found) - before
}

// watch runs a meeting to its end, with pushes and looks in between.
func watch(t *testing.T, k kind, seed uint64) *watcher {
	t.Helper()
	w := &watcher{marked: make(chan struct{}, 1)}
	cipher, err := callback.NewCipher(keys)
	require.NoError(t, err)
	server := httptest.NewUnstartedServer(nil)
	w.watched = newWatched(t, k, seed, func(o *simulator.Options) {
		o.Faults = everyFault()
		o.Settings.Push = simulator.PushSettings{
			URL: "http://" + server.Listener.Addr().String(), Token: keys.Token, AESKey: keys.AESKey,
			Retry: history.Duration(time.Millisecond), LastRetry: history.Duration(5 * time.Millisecond), LeavesAtEnd: seed%2 == 0,
		}
		o.NewCipher = func(token, aesKey, ownerKey string) (simulator.Cipher, error) {
			return callback.NewCipher(callback.Keys{Token: token, AESKey: aesKey, OwnerKey: ownerKey})
		}
	})
	now := func() time.Time { return time.UnixMilli(w.clock.Load()) }
	server.Config.Handler = callback.NewHandler(callback.Options{Cipher: cipher, Receiver: w, Now: now})
	server.Start()
	defer server.Close()
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- w.sim.RunPushes(ctx) }()
	const parts = 2 // from one look to the next
	for over, step := false, 0; !over; step++ {
		over = w.pass(parts)
		w.mark(step%2 == 1)
		if over || step%parts == 0 {
			w.mu.Lock()
			w.look(over)
			w.over = over
			w.mu.Unlock()
		}
	}
	stop()
	require.NoError(t, <-done)
	return w
}

// mark waits until pushes have been made of what has happened; those that come late do so while the
// meeting goes on.
func (w *watcher) mark(there bool) {
	w.t.Helper()
	a := history.LiveAction{Do: history.Join, Person: "x"}
	if there {
		a.Do = history.Leave
	}
	_, _, err := w.sim.Do(marker, a)
	require.NoError(w.t, err)
	select {
	case <-w.marked:
	case <-time.After(10 * time.Second):
		require.Fail(w.t, "no push came")
	}
}

// TestPushesChangeNothing adds pushes to the looks, with every fault pushes can have: what is found
// out stays the truth.
func TestPushesChangeNothing(t *testing.T) {
	const histories = 2
	pushed, found := 0, 0
	for _, k := range kinds() {
		t.Run(k.String(), func(t *testing.T) {
			for seed := range uint64(histories) {
				w := watch(t, k, seed)
				assert.Empty(t, w.differences(), "seed %d", seed)
				pushed += w.pushed
				found += len(w.found)
			}
		})
	}
	assert.Greater(t, pushed, found/20, "pushes announce some of it")
	t.Logf("%d of %d events were announced by pushes", pushed, found)
}
