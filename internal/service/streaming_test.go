package service

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/simulator"
	"github.com/c4342123/rollcall/internal/simulator/fault"
)

// TestAStreamConnectionIsOffered where nobody has set anything, and pushes come over it.
func TestAStreamConnectionIsOffered(t *testing.T) {
	t.Parallel()
	s := standard(external(settings(t, withGateway(t)), broker(t, nil).Addr().String()))
	s.Pushes.StreamMode = config.StreamAuto
	r := start(t, s)
	r.ready()
	r.eventually("/readyz?verbose", http.StatusOK, "[+] dingtalk stream connection ok, since")
	require.Eventually(t, func() bool { return r.said("pushes come over the stream connection") == 1 }, patience, 20*time.Millisecond)
}

// TestAGatewayThatRefusesIsOneLine, and no failure.
func TestAGatewayThatRefusesIsOneLine(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	_, err := sim.AddFaults(fault.Fault{Kind: fault.Denied, Calls: []fault.Class{fault.ClassGateway}})
	require.NoError(t, err)
	s := external(settings(t, api), broker(t, nil).Addr().String())
	s.Pushes.StreamMode = config.StreamAuto
	r := start(t, s)
	r.ready()
	body := r.eventually("/readyz?verbose", http.StatusOK, "dingtalk stream connection ok, since")
	assert.Contains(t, r.eventually("/readyz?verbose", http.StatusOK, "not to be had"), "\nready\n", body)
	const line = "no pushes come over the stream connection, which is tried again"
	before := sim.Stats().Classes[fault.ClassGateway].Calls
	require.Eventually(t, func() bool { return sim.Stats().Classes[fault.ClassGateway].Calls >= before+2 }, patience, 20*time.Millisecond)
	assert.Equal(t, 1, r.said(line))
}

// TestAnOlderInstallationHasNoStreamConnection until it is asked for: another program may have the
// app's.
func TestAnOlderInstallationHasNoStreamConnection(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	server := broker(t, nil).Addr().String()
	s := external(settings(t, api), server)
	r := start(t, s)
	r.ready()
	require.NoError(t, r.stop())
	makeOlder(t, server)

	s.Pushes.StreamMode, s.HTTP.Listen = config.StreamAuto, freeAddress(t)
	r = start(t, s)
	r.ready()
	r.eventually("/readyz?verbose", http.StatusOK, "dingtalk stream connection ok, since")
	assert.Equal(t, 1, r.said("the stream connection is off"))
	assert.Contains(t, r.eventually("/readyz?verbose", http.StatusOK, "(off, as this installation is older"), "stream-mode true")
	assert.Zero(t, sim.Stats().Classes[fault.ClassGateway].Calls)
	require.NoError(t, r.stop())

	s.Pushes.StreamMode, s.HTTP.Listen = config.StreamOn, freeAddress(t)
	r = start(t, s)
	r.eventually("/readyz", http.StatusOK, "") // degraded, once it was refused a connection
	require.Eventually(t, func() bool { return sim.Stats().Classes[fault.ClassGateway].Calls > 0 }, patience, 20*time.Millisecond)
}

// withGateway serves a simulated DingTalk that takes stream connections, too.
func withGateway(t *testing.T) *url.URL {
	t.Helper()
	sc, err := simulator.ParseScenario([]byte(office))
	require.NoError(t, err)
	sim, err := simulator.New(simulator.Options{Scenario: sc})
	require.NoError(t, err)
	var lc net.ListenConfig
	ln, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- sim.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return &url.URL{Scheme: "http", Host: ln.Addr().String()}
}

// said counts the lines of the log that begin so.
func (r *running) said(message string) int { return strings.Count(r.log.String(), `"msg":"`+message) }

func TestWhereAStreamConnectionIsOffered(t *testing.T) {
	t.Parallel()
	with := func(set func(*config.Settings)) config.Settings {
		s := config.Settings{DingTalk: config.DingTalk{AppKey: "k", AppSecret: "s"}, Pushes: config.Pushes{StreamMode: config.StreamAuto}}
		set(&s)
		return s
	}
	assert.True(t, with(func(*config.Settings) {}).StreamOffered())
	for name, set := range map[string]func(*config.Settings){
		"no credentials": func(s *config.Settings) { s.DingTalk.AppKey, s.DingTalk.AppSecret = "", "" },
		"keys":           func(s *config.Settings) { s.Pushes.WebhookToken = "t" },
		"true":           func(s *config.Settings) { s.Pushes.StreamMode = config.StreamOn },
		"false":          func(s *config.Settings) { s.Pushes.StreamMode = config.StreamOff },
	} {
		assert.False(t, with(set).StreamOffered(), name)
	}
}
