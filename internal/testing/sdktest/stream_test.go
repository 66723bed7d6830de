package sdktest

import (
	"context"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/open-dingtalk/dingtalk-stream-sdk-go/client"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/event"
	"github.com/open-dingtalk/dingtalk-stream-sdk-go/payload"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/simulator/history"
)

// patience covers the SDK's pause of three seconds and more before it reconnects.
const patience = time.Minute

// gateway is a simulator that serves streams.
type gateway struct {
	t   *testing.T
	sim *simulator.Simulator
	url string
}

// serveStreams serves a meeting "m" that nobody has come to yet.
func serveStreams(t *testing.T, stream simulator.StreamSettings, faults ...fault.Fault) *gateway {
	t.Helper()
	stream.AckTimeout = history.Duration(patience) // the machine may be slow
	sim, err := simulator.New(simulator.Options{
		Scenario: &simulator.Scenario{Meetings: []history.Plan{{ID: "m", Start: history.Duration(-time.Minute)}}},
		Settings: simulator.Settings{Stream: stream}, Faults: faults,
	})
	require.NoError(t, err)
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- sim.Serve(ctx, ln) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections() // the SDK's HTTP client is everybody's
		cancel()
		assert.NoError(t, <-done)
	})
	return &gateway{t: t, sim: sim, url: "http://" + ln.Addr().String()}
}

// subscriber is the SDK's client, and what it got.
type subscriber struct {
	t      *testing.T
	client *client.StreamClient
	mu     sync.Mutex
	got    []*event.EventHeader
	data   []string
}

// subscribe connects the SDK's client. Its handler says of the n-th event what status returns.
func (g *gateway) subscribe(status func(n int) event.EventProcessStatusType) *subscriber {
	g.t.Helper()
	s := &subscriber{t: g.t}
	handler := event.NewDefaultEventFrameHandler(func(_ context.Context, header *event.EventHeader, data []byte) (event.EventProcessStatusType, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.got, s.data = append(s.got, header), append(s.data, string(data))
		return status(len(s.got)), nil
	})
	settings := g.sim.Settings()
	s.client = client.NewStreamClient(
		client.WithAppCredential(client.NewAppCredentialConfig(settings.AppKey, settings.AppSecret)),
		client.WithOpenApiHost(g.url),
		client.WithSubscription("EVENT", "*", handler.OnEventReceived),
	)
	require.NoError(g.t, s.client.Start(g.t.Context()))
	g.t.Cleanup(s.client.Close)
	return s
}

func taken(int) event.EventProcessStatusType { return event.EventProcessStatusKSuccess }

// gets waits for n events.
func (s *subscriber) gets(n int) ([]*event.EventHeader, []string) {
	s.t.Helper()
	require.Eventually(s.t, func() bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.got) >= n
	}, patience, time.Millisecond)
	s.mu.Lock()
	defer s.mu.Unlock()
	require.Len(s.t, s.got, n)
	return s.got, s.data
}

func (g *gateway) do(verb history.Verb) {
	g.t.Helper()
	_, _, err := g.sim.Do("m", history.LiveAction{Do: verb, Person: "u-ann", Nick: "Ann"})
	require.NoError(g.t, err)
}

// counts waits for the counts of the stream.
func (g *gateway) counts(want simulator.WayStats) {
	g.t.Helper()
	stats := func() simulator.WayStats { return g.sim.Stats().Pushes.Ways[fault.ClassStream] }
	if !assert.Eventually(g.t, func() bool { return stats() == want }, patience, time.Millisecond) {
		g.t.Fatalf("counts: %+v", stats())
	}
}

// connections waits until so many connections have been made and are open.
func (g *gateway) connections(connected uint64, open int) {
	g.t.Helper()
	require.Eventually(g.t, func() bool {
		stats := g.sim.Stats().Pushes
		return stats.Connected == connected && stats.Connections == open
	}, patience, time.Millisecond)
}

func TestStreamEvents(t *testing.T) {
	g := serveStreams(t, simulator.StreamSettings{})
	s := g.subscribe(taken)
	g.connections(1, 1)
	g.do(history.Join)
	g.do(history.Leave)
	headers, data := s.gets(2)
	g.counts(simulator.WayStats{Pushes: 2, Sent: 2, Acknowledged: 2})
	assert.Equal(t, "meeting_member_status_change", headers[0].EventType)
	assert.Equal(t, simulator.DefaultCorpID, headers[0].EventCorpId)
	assert.Equal(t, simulator.DefaultAppKey, headers[0].EventUnifiedAppId)
	assert.InDelta(t, time.Now().UnixMilli(), headers[0].EventBornTime, 60_000)
	assert.NotEmpty(t, headers[0].EventId)
	assert.Contains(t, data[0]+data[1], `"userId":"u-ann"`)
}

func TestStreamLater(t *testing.T) {
	g := serveStreams(t, simulator.StreamSettings{Redeliver: history.Duration(10 * time.Millisecond)})
	s := g.subscribe(func(n int) event.EventProcessStatusType {
		if n < 3 {
			return event.EventProcessStatusKLater
		}
		return event.EventProcessStatusKSuccess
	})
	g.connections(1, 1)
	g.do(history.Join)
	headers, _ := s.gets(3)
	assert.Equal(t, headers[0].EventId, headers[2].EventId)
	g.counts(simulator.WayStats{Pushes: 1, Sent: 3, Acknowledged: 1, Refused: 2})
}

func TestStreamPings(t *testing.T) {
	g := serveStreams(t, simulator.StreamSettings{PingEvery: history.Duration(5 * time.Millisecond)})
	var mu sync.Mutex
	pings := 0
	s := client.NewStreamClient(
		client.WithAppCredential(client.NewAppCredentialConfig(simulator.DefaultAppKey, simulator.DefaultAppSecret)),
		client.WithOpenApiHost(g.url),
	)
	s.RegisterRouter("SYSTEM", "ping", func(ctx context.Context, frame *payload.DataFrame) (*payload.DataFrameResponse, error) {
		mu.Lock()
		pings++
		mu.Unlock()
		return s.OnPing(ctx, frame)
	})
	require.NoError(t, s.Start(t.Context()))
	t.Cleanup(s.Close)
	require.Eventually(t, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return pings > 20
	}, patience, time.Millisecond)
	g.connections(1, 1)
}

func TestStreamReconnects(t *testing.T) {
	for _, kind := range []fault.Kind{fault.StreamDisconnect, fault.StreamDrop} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			g := serveStreams(t, simulator.StreamSettings{})
			s := g.subscribe(taken)
			g.connections(1, 1)
			n, err := g.sim.DisturbStreams(fault.Fault{Kind: kind})
			require.NoError(t, err)
			require.Equal(t, 1, n)
			g.connections(2, 1)
			g.do(history.Join)
			s.gets(1)
			g.counts(simulator.WayStats{Pushes: 1, Sent: 1, Acknowledged: 1})
		})
	}
}

func TestStreamGarbageIsSurvived(t *testing.T) {
	g := serveStreams(t, simulator.StreamSettings{}, fault.Fault{Kind: fault.StreamGarbage, Next: 3})
	s := g.subscribe(taken)
	g.connections(1, 1)
	for range 2 {
		g.do(history.Join)
		g.do(history.Leave)
	}
	s.gets(4)
	g.counts(simulator.WayStats{Pushes: 4, Sent: 4, Acknowledged: 4})
}

func TestStreamWithAWrongSecret(t *testing.T) {
	g := serveStreams(t, simulator.StreamSettings{})
	s := client.NewStreamClient(
		client.WithAppCredential(client.NewAppCredentialConfig(simulator.DefaultAppKey, "wrong")), client.WithOpenApiHost(g.url),
	)
	t.Cleanup(s.Close)
	require.ErrorContains(t, s.Start(t.Context()), "authFailed")
}
