package chaos_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/callback"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// keys are those of the callback.
var keys = callback.Keys{Token: "chaos", AESKey: "1234567890123456789012345678901234567890123", OwnerKey: simulator.DefaultAppKey}

// dingtalk is a simulated DingTalk that takes down who called it, and when.
type dingtalk struct {
	t   testing.TB
	sim *simulator.Simulator
	ctx context.Context

	down   atomic.Pointer[http.HandlerFunc] // answers while the API fails
	failed atomic.Int64                     // requests that it failed

	mu    sync.Mutex
	calls []call
}

// call is one that counts against rate and quota.
type call struct {
	at      time.Time
	replica int
	look    string // the meeting whose member list it asked for, if it did
}

// troubles are what an API does now and then.
func troubles() []fault.Fault {
	return []fault.Fault{
		{Kind: fault.QPSApp, Probability: 0.005},
		{Kind: fault.SystemError, Probability: 0.02},
		{Kind: fault.Reset, Probability: 0.02},
		{Kind: fault.ExpireToken, Calls: []fault.Class{fault.ClassMembers}, Probability: 0.01},
		{Kind: fault.OtherJSON, Probability: 0.02},
	}
}

// pushTroubles are what becomes of pushes on their way.
func pushTroubles() []fault.Fault {
	return []fault.Fault{
		{Kind: fault.PushLost, Probability: 0.05},
		{Kind: fault.PushDoubled, Probability: 0.1},
		{Kind: fault.PushDelayed, Probability: 0.1, Delay: history.Duration(time.Second)},
		{Kind: fault.PushReordered, Probability: 0.05},
		{Kind: fault.PushForged, Probability: 0.05},
	}
}

// newDingTalk starts one that pushes to the webhook, if one is named.
func newDingTalk(t testing.TB, seed uint64, settings simulator.Settings, faults []fault.Fault) *dingtalk {
	sim, err := simulator.New(simulator.Options{
		Scenario: &simulator.Scenario{Name: "chaos", Seed: seed}, Settings: settings, Faults: faults,
		NewCipher: func(token, aesKey, ownerKey string) (simulator.Cipher, error) {
			return callback.NewCipher(callback.Keys{Token: token, AESKey: aesKey, OwnerKey: ownerKey})
		},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	d := &dingtalk{t: t, sim: sim, ctx: ctx}
	pushed := make(chan error, 1)
	go func() { pushed <- sim.RunPushes(ctx) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-pushed)
	})
	return d
}

// listen returns where one replica finds DingTalk.
func (d *dingtalk) listen(replica int) string {
	handler := d.sim.Handler()
	return serve(d.ctx, d.t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d.note(replica, r.URL.Path)
		if down := d.down.Load(); down != nil {
			d.failed.Add(1)
			(*down)(w, r)
			return
		}
		handler.ServeHTTP(w, r)
	}))
}

const listPrefix, listSuffix = "/v1.0/conference/videoConferences/", "/members"

func (d *dingtalk) note(replica int, path string) {
	if !strings.HasPrefix(path, "/v1.0/conference/") {
		return // calls for a token do not count
	}
	c := call{at: time.Now(), replica: replica}
	if rest, ok := strings.CutPrefix(path, listPrefix); ok {
		if id, ok := strings.CutSuffix(rest, listSuffix); ok {
			c.look = id
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.calls = append(d.calls, c)
}

// called returns the calls so far.
func (d *dingtalk) called() []call {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clip(d.calls)
}

// sawAll tells whether somebody has looked at all of the meetings since then.
func (d *dingtalk) sawAll(meetings []string, since time.Time) bool {
	missing := map[string]bool{}
	for _, id := range meetings {
		missing[id] = true
	}
	for _, c := range slices.Backward(d.called()) {
		if c.at.Before(since) || len(missing) == 0 {
			break
		}
		delete(missing, c.look)
	}
	return len(missing) == 0
}

// lookedSince tells whether a replica has looked at a meeting since then.
func (d *dingtalk) lookedSince(replica int, since time.Time) bool {
	for _, c := range slices.Backward(d.called()) {
		if c.at.Before(since) {
			return false
		}
		if c.replica == replica && c.look != "" {
			return true
		}
	}
	return false
}

// serve answers HTTP until ctx ends, and what hangs ends with it; it returns where.
func serve(ctx context.Context, t testing.TB, handler http.Handler) string {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := &http.Server{
		Handler: handler, ReadHeaderTimeout: time.Minute, BaseContext: func(net.Listener) context.Context { return ctx },
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			assert.NoError(t, err)
		}
	})
	return ln.Addr().String()
}
