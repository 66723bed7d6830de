package service

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/nats/embedded"
	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/testing/faultproxy"
	"github.com/c4342123/rollcall/internal/testing/natstest"
	"github.com/c4342123/rollcall/publisher"
)

// broker is a NATS server outside of the service, until the test ends.
func broker(t *testing.T, set func(*server.Options)) *server.Server {
	t.Helper()
	opts := &server.Options{
		Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(), NoSigs: true, NoLog: true,
	}
	if set != nil {
		set(opts)
	}
	s, err := server.NewServer(opts)
	require.NoError(t, err)
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	require.True(t, s.ReadyForConnections(patience))
	return s
}

func external(s config.Settings, address string) config.Settings {
	s.NATS.URL = config.Servers{"nats://" + address}
	return s
}

// fails runs a service that cannot, and returns why.
func fails(t *testing.T, s config.Settings) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err := Run(ctx, Options{Settings: s})
	require.NoError(t, ctx.Err(), "it goes on instead")
	return err
}

func TestNATSIsAwayAtTheStart(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	nats := broker(t, nil)
	proxy := faultproxy.Start(t, nats.Addr().String())
	proxy.Refuse(true)

	r := start(t, external(settings(t, api), proxy.Addr()))
	r.eventually("/livez", http.StatusOK, "ok")
	r.eventually("/readyz", http.StatusServiceUnavailable, "[-] nats: ")
	r.eventually("/readyz", http.StatusServiceUnavailable, "EOF")
	for _, method := range []string{http.MethodPut, http.MethodGet, http.MethodDelete} {
		status, body := r.do(method, "/v1/meetings/office", "")
		assert.Equal(t, http.StatusServiceUnavailable, status)
		assert.Contains(t, body, "not ready: NATS: ")
	}
	status, body := r.do(http.MethodGet, "/v1/meetings", "")
	assert.Equal(t, http.StatusServiceUnavailable, status, "nothing is known, which is not the same as nothing watched")
	assert.Contains(t, body, "not ready")
	status, body = r.do(http.MethodGet, "/metrics", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, body, "rollcall_ready 0")

	proxy.Refuse(false)
	r.ready()
	status, _ = r.do(http.MethodPut, "/v1/meetings/office", "")
	assert.Equal(t, http.StatusCreated, status)
}

func TestNATSGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	nats := broker(t, nil)
	proxy := faultproxy.Start(t, nats.Addr().String())
	r := start(t, external(settings(t, api), proxy.Addr()))
	natsURL := r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

	proxy.Refuse(true)
	proxy.Cut()
	do(t, sim, join("bob"))
	r.eventually("/readyz", http.StatusServiceUnavailable, "[-] nats: ")
	proxy.Refuse(false)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":2`)
	r.eventually("/readyz", http.StatusOK, "ready")
	assert.Equal(t, []string{"1 joined Ann", "2 joined Bob"}, told(t, natsURL))
}

func TestLoginToNATSIsRefused(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	nats := broker(t, func(o *server.Options) { o.Authorization = "right" })
	s := external(settings(t, api), nats.Addr().String())
	s.NATS.Token = "wr0ng-t0ken"
	r := start(t, s)
	r.eventually("/readyz", http.StatusServiceUnavailable, "Authorization Violation")
	require.NoError(t, r.stop())
	assert.NotContains(t, r.log.String(), "wr0ng-t0ken")
}

func TestNATSWithoutJetStream(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	nats := broker(t, func(o *server.Options) { o.JetStream = false })
	r := start(t, external(settings(t, api), nats.Addr().String()))
	r.eventually("/readyz", http.StatusServiceUnavailable, "opening the stream: ")
}

func TestNATSIsTooOld(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := external(settings(t, api), strings.TrimPrefix(natstest.Says(t, "2.12.7"), "nats://"))
	err := fails(t, s)
	require.ErrorIs(t, err, publisher.ErrServerTooOld)
	assert.ErrorContains(t, err, "2.12.7")
	assert.ErrorContains(t, err, "2.12.8 or newer")
}

func TestSomebodyElsesStream(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	nats := broker(t, nil)
	address := nats.Addr().String()
	nc, err := conn.Connect(t.Context(), config.NATS{URL: config.Servers{"nats://" + address}}, conn.Options{})
	require.NoError(t, err)
	defer nc.Close()
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	_, err = js.CreateStream(t.Context(), jetstream.StreamConfig{Name: events.Stream, Subjects: []string{"orders.>"}})
	require.NoError(t, err)

	err = fails(t, external(settings(t, api), address))
	require.ErrorIs(t, err, publisher.ErrStreamConfig)
	assert.ErrorContains(t, err, "orders.>")
}

func TestAddressesInUse(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	address := config.Address(taken.Addr().String())

	s := settings(t, api)
	s.HTTP.Listen = address
	err = fails(t, s)
	assert.ErrorContains(t, err, "--listen")
	assert.ErrorContains(t, err, string(address))
	assert.ErrorContains(t, err, "in use")

	s = settings(t, api)
	s.Embedded.Listen = address
	err = fails(t, s)
	assert.ErrorContains(t, err, "--embedded-listen")
	assert.ErrorContains(t, err, string(address))
}

func TestDataDirectories(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := settings(t, api)
	held, err := embedded.Start(t.Context(), embedded.Options{StoreDir: s.Store.DataDir, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	err = fails(t, s)
	require.NoError(t, held.Close())
	require.ErrorIs(t, err, embedded.ErrStoreInUse)
	assert.ErrorContains(t, err, "--data-dir")
	assert.ErrorContains(t, err, s.Store.DataDir)

	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	s.Store.DataDir = filepath.Join(file, "data")
	err = fails(t, s)
	assert.ErrorContains(t, err, "--data-dir")
	assert.ErrorContains(t, err, file)
}

func TestDingTalkFails(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, office)
	r := start(t, settings(t, api))
	r.ready()
	status, _ := r.do(http.MethodPut, "/v1/meetings/office", "")
	require.Equal(t, http.StatusCreated, status)
	r.eventually("/v1/meetings/office", http.StatusOK, `"activeCount":1`)

	_, err := sim.AddFaults(fault.Fault{Kind: fault.Truncated, Calls: []fault.Class{fault.ClassMembers, fault.ClassInfo}})
	require.NoError(t, err)
	body := r.eventually("/readyz?verbose", http.StatusOK, "degraded")
	assert.Contains(t, body, "[+] nats ok")
	assert.Contains(t, body, "[-] ")
	assert.NotContains(t, body, "Ann", "everybody may read this")
	assert.NotContains(t, body, "office")
	sim.ClearFaults()
	r.eventually("/readyz", http.StatusOK, "ready")
}

// TestNoMeetingCanBeFound: a service that hears of no meeting is not well.
func TestNoMeetingCanBeFound(t *testing.T) {
	t.Parallel()
	sim, api := simulate(t, `{meetings: [{id: seen, people: [{nick: Ann, visits: [{from: 0s}]}]}]}`)
	_, err := sim.AddFaults(fault.Fault{Kind: fault.HTML, Calls: []fault.Class{fault.ClassOrg}})
	require.NoError(t, err)
	s := settings(t, api)
	s.Polling.DiscoveryInterval = 50 * time.Millisecond
	r := start(t, s)
	body := r.eventually("/readyz?verbose", http.StatusOK, "[-] discovery: unavailable; the log says more")
	assert.Contains(t, body, "degraded")
	assert.Contains(t, line(body, "discovery"), "see to the way to DingTalk", "no permission helps against that")
	sim.ClearFaults()
	r.eventually("/v1/meetings/seen", http.StatusOK, `"activeCount":1`)
	r.eventually("/readyz", http.StatusOK, "ready")
}

// TestSecretThatIsWrong: it is the credentials that are wrong, and no permission that is missing.
func TestSecretThatIsWrong(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := settings(t, api)
	s.DingTalk.AppSecret = "not this one"
	s.Polling.DiscoveryInterval = 50 * time.Millisecond
	r := start(t, s)
	body := r.eventually("/readyz?verbose", http.StatusOK, "[-] discovery: credentials refused; the log says more")
	assert.Contains(t, line(body, "discovery"), "what to do: compare dingtalk-app-key and dingtalk-app-secret")
	assert.NotContains(t, body, "not this one")
}

// Somebody who asks where the service is must not have to know that it listens everywhere.
func TestBaseURL(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"127.0.0.1:8080": "http://127.0.0.1:8080",
		"0.0.0.0:8080":   "http://localhost:8080",
		"[::]:8080":      "http://localhost:8080",
		"[::1]:8080":     "http://[::1]:8080",
		"192.0.2.1:80":   "http://192.0.2.1:80",
	} {
		address, err := net.ResolveTCPAddr("tcp", listen)
		require.NoError(t, err)
		assert.Equal(t, want, baseURL(false, address))
	}
}

func TestWhoeverIsToldOfTheOpeningCanStopIt(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	err := Run(t.Context(), Options{Settings: settings(t, api), Opened: func(Addresses) error { return assert.AnError }})
	assert.ErrorIs(t, err, assert.AnError)
}

func TestSettingsThatTheClientRefuses(t *testing.T) {
	t.Parallel()
	_, api := simulate(t, office)
	s := settings(t, api)
	s.DingTalk.AppKey = "key"
	s.DingTalk.AppSecret = ""
	var usage *config.UsageError
	assert.ErrorAs(t, fails(t, s), &usage)
}
