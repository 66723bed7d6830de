package streammode

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// simulate plays a meeting nobody has come to yet and returns it with the address of its API.
func simulate(t *testing.T) (*simulator.Simulator, string) {
	t.Helper()
	sim, err := simulator.New(simulator.Options{
		Scenario: &simulator.Scenario{Meetings: []history.Plan{{
			ID: "m", Title: "T", Start: history.Duration(-time.Minute), People: []history.Person{{Nick: "Ann"}, {Nick: "Bob"}},
		}}},
		Settings: simulator.Settings{Stream: simulator.StreamSettings{
			AckTimeout: history.Duration(time.Second), Redeliver: history.Duration(50 * time.Millisecond), Deliveries: 1000,
		}},
	})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.RunPushes(ctx) }()
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-done)
		server.Close()
	})
	return sim, server.URL
}

// TestSimulatorFaults: whatever happens to the connection, what is pushed arrives.
func TestSimulatorFaults(t *testing.T) {
	for _, f := range []fault.Fault{
		{}, // none
		{Kind: fault.StreamDisconnect, Next: 1},
		{Kind: fault.StreamDrop, Next: 1},
		{Kind: fault.StreamSilence, Next: 1},
		{Kind: fault.StreamGarbage, Next: 1},
		{Kind: fault.StreamHuge, Next: 1, Bytes: 2 << 20},
		{Kind: fault.PushDoubled, Next: 1},
		{Kind: fault.PushUnknownType, Next: 1},
		{Kind: fault.PushGarbage, Next: 1},
	} {
		t.Run(string(f.Kind), func(t *testing.T) {
			sim, url := simulate(t)
			if f.Kind != "" {
				_, err := sim.AddFaults(f)
				require.NoError(t, err)
			}
			settings := sim.Settings()
			got := make(chan push.Push, 100)
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan error, 1)
			go func() {
				done <- Run(ctx, quick(Options{
					BaseURL: url, ClientID: settings.AppKey, ClientSecret: settings.AppSecret,
					PingInterval: 50 * time.Millisecond, PingTimeout: 500 * time.Millisecond,
					Receiver: receiver(func(_ context.Context, p push.Push) error { got <- p; return nil }),
				}))
			}()
			require.Eventually(t, func() bool { return sim.Stats().Pushes.Connections == 1 }, soon, time.Millisecond)
			for _, person := range []string{"Ann", "Bob"} { // the second is hit by no fault
				_, _, err := sim.Do("m", history.LiveAction{Do: history.Join, Person: person})
				require.NoError(t, err)
			}
			for {
				p := await(t, got, "push")
				require.Equal(t, push.MemberJoined, p.Notices[0].Scene)
				if p.Notices[0].Rows[0].UserNick == "Bob" {
					break
				}
			}
			// Nothing stays unacknowledged but a frame that is no JSON and so has no messageId.
			acks := uint64(2)
			if f.Kind == fault.PushGarbage {
				acks = 1
			}
			require.Eventually(t, func() bool {
				return sim.Stats().Pushes.Ways[fault.ClassStream].Acknowledged >= acks
			}, soon, time.Millisecond)
			cancel()
			require.NoError(t, await(t, done, "end of Run"))
		})
	}
}
