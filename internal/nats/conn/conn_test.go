package conn_test

import (
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/config"
	"github.com/c4342123/rollcall/internal/nats/conn"
	"github.com/c4342123/rollcall/internal/testing/port"
)

// TestLogins runs a server for each way to log in, and expects the right login to work and another
// to be refused.
func TestLogins(t *testing.T) {
	t.Parallel()
	ca := newAuthority(t)
	cert, key := ca.issue(t)
	public, seedFile := newSeed(t)
	_, otherSeed := newSeed(t)
	byJWT, userJWT, seed := decentral(t)
	creds := credsFile(t, userJWT, seed)
	_, otherJWT, otherJWTSeed := decentral(t)

	cases := map[string]struct {
		server       server.Options
		right, wrong config.NATS
	}{
		"no login": {server.Options{}, config.NATS{}, config.NATS{URL: config.Servers{"nats://127.0.0.1:1"}}},
		"user": {
			server.Options{Username: "ann", Password: "hunter2"},
			config.NATS{User: "ann", Password: "hunter2"},
			config.NATS{User: "ann", Password: "hunter3"},
		},
		"token": {
			server.Options{Authorization: "hunter2"},
			config.NATS{Token: "hunter2"},
			config.NATS{Token: "hunter3"},
		},
		"nkey": {
			server.Options{Nkeys: []*server.NkeyUser{{Nkey: public}}},
			config.NATS{NKey: seedFile},
			config.NATS{NKey: otherSeed},
		},
		"creds": {byJWT, config.NATS{Creds: creds}, config.NATS{Creds: credsFile(t, otherJWT, otherJWTSeed)}},
		"TLS":   {ca.withTLS(t, server.Options{}, false), config.NATS{CA: ca.file}, config.NATS{CA: newAuthority(t).file}},
		"TLS with a client's certificate": {
			ca.withTLS(t, server.Options{}, true),
			config.NATS{CA: ca.file, Cert: cert, Key: key},
			config.NATS{CA: ca.file},
		},
		"TLS and user": {
			ca.withTLS(t, server.Options{Username: "ann", Password: "hunter2"}, false),
			config.NATS{CA: ca.file, User: "ann", Password: "hunter2"},
			config.NATS{CA: ca.file, User: "ann", Password: "hunter3"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			running := serve(t, c.server)
			for _, settings := range []*config.NATS{&c.right, &c.wrong} {
				if settings.URL == nil {
					settings.URL = servers(running)
				}
			}
			nc, err := connect(t, c.right, conn.Options{})
			require.NoError(t, err)
			works(t, nc)

			_, err = connect(t, c.wrong, conn.Options{})
			require.Error(t, err)
			assert.NotContains(t, err.Error(), "hunter")
			var usage *config.UsageError
			assert.False(t, errors.As(err, &usage), "the settings are in order: %v", err)
		})
	}
}

func TestRefusedLogin(t *testing.T) {
	t.Parallel()
	running := serve(t, server.Options{Username: "ann", Password: "hunter2"})
	_, err := connect(t, config.NATS{URL: servers(running)}, conn.Options{})
	assert.ErrorIs(t, err, nats.ErrAuthorization)
}

// TestWrongSettings names the setting, and never what a file or a setting holds.
func TestWrongSettings(t *testing.T) {
	t.Parallel()
	junk := write(t, "junk", []byte("hunter2"))
	url := config.Servers{"nats://127.0.0.1:1"}
	cases := map[string]struct {
		settings config.NATS
		setting  string
	}{
		"creds missing":         {config.NATS{URL: url, Creds: "/nowhere"}, "nats-creds"},
		"creds that are none":   {config.NATS{URL: url, Creds: junk}, "nats-creds"},
		"nkey missing":          {config.NATS{URL: url, NKey: "/nowhere"}, "nats-nkey"},
		"nkey that is none":     {config.NATS{URL: url, NKey: junk}, "nats-nkey"},
		"CA missing":            {config.NATS{URL: url, CA: "/nowhere"}, "nats-ca"},
		"CA that is none":       {config.NATS{URL: url, CA: junk}, "nats-ca"},
		"certificate missing":   {config.NATS{URL: url, Cert: "/nowhere", Key: "/nowhere"}, "nats-cert"},
		"certificate is none":   {config.NATS{URL: url, Cert: junk, Key: junk}, "nats-cert"},
		"key alone":             {config.NATS{URL: url, Key: junk}, "nats-key"},
		"contradicting logins":  {config.NATS{URL: url, Creds: junk, Token: "hunter2"}, "nats-token"},
		"context and login":     {config.NATS{Context: "x", User: "u", Password: "hunter2"}, "nats-context"},
		"context that is not":   {config.NATS{Context: "x"}, "nats-context"},
		"context that is a way": {config.NATS{Context: "../x"}, "nats-context"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			for _, retry := range []bool{false, true} {
				_, err := connect(t, c.settings, conn.Options{Retry: retry, LookupEnv: home(t.TempDir())})
				var usage *config.UsageError
				require.ErrorAs(t, err, &usage)
				assert.Equal(t, c.setting, usage.Setting)
				assert.NotContains(t, err.Error(), "hunter2")
			}
		})
	}
}

func TestEmbedded(t *testing.T) {
	t.Parallel()
	running := serve(t, server.Options{})
	t.Run("by its address", func(t *testing.T) {
		_, port, err := net.SplitHostPort(running.Addr().String())
		require.NoError(t, err)
		for _, host := range []string{"127.0.0.1", "", "0.0.0.0"} {
			nc, err := connect(t, config.NATS{}, conn.Options{Embedded: config.Address(net.JoinHostPort(host, port))})
			require.NoError(t, err, host)
			works(t, nc)
		}
	})
	t.Run("in process", func(t *testing.T) {
		nc, err := connect(t, config.NATS{}, conn.Options{Extra: []nats.Option{nats.InProcessServer(running)}})
		require.NoError(t, err)
		works(t, nc)
		assert.Equal(t, "pipe", nc.LocalAddr(), "no socket")
	})
}

func TestOptionsOfEveryConnection(t *testing.T) {
	t.Parallel()
	running := serve(t, server.Options{})
	nc, err := connect(t, config.NATS{URL: servers(running)}, conn.Options{})
	require.NoError(t, err)
	assert.Equal(t, "rollcall", nc.Opts.Name)
	assert.Equal(t, -1, nc.Opts.MaxReconnect)
	assert.Equal(t, -1, nc.Opts.ReconnectBufSize)
	assert.True(t, nc.Opts.IgnoreAuthErrorAbort)
	assert.LessOrEqual(t, nc.Opts.PingInterval*time.Duration(nc.Opts.MaxPingsOut+1), 15*time.Second)

	named, err := connect(t, config.NATS{URL: servers(running)}, conn.Options{Name: "rollcall tail"})
	require.NoError(t, err)
	assert.Equal(t, "rollcall tail", named.Opts.Name)
}

// TestReconnect takes the server away and brings it back on the same port.
func TestReconnect(t *testing.T) {
	t.Parallel()
	var out log
	first := serve(t, server.Options{})
	nc, err := connect(t, config.NATS{URL: servers(first)}, conn.Options{Logger: out.logger()})
	require.NoError(t, err)
	address := first.Addr().String()
	first.Shutdown()
	first.WaitForShutdown()
	require.Eventually(t, nc.IsReconnecting, patience, time.Millisecond)
	assert.ErrorIs(t, nc.Publish("test", nil), nats.ErrReconnectBufExceeded, "nothing is buffered")
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "refused") }, patience, time.Millisecond)
	attempts := nc.Opts.ReconnectWait + nc.Opts.ReconnectJitter
	assert.LessOrEqual(t, attempts, 500*time.Millisecond)

	serve(t, server.Options{Port: portOf(t, address)})
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "works again") }, patience, time.Millisecond)
	works(t, nc)
	assert.LessOrEqual(t, strings.Count(out.String(), "level=WARN"), 2, "lost, then refused; not once for every attempt:\n%s", &out)
}

// TestReconnectAfterRefusedLogins outlives a server that knows other users for a while.
func TestReconnectAfterRefusedLogins(t *testing.T) {
	t.Parallel()
	var out log
	options := server.Options{Username: "ann", Password: "hunter2"}
	running := serve(t, options)
	options.Port = portOf(t, running.Addr().String())

	nc, err := connect(t, config.NATS{URL: servers(running), User: "ann", Password: "hunter2"}, conn.Options{Logger: out.logger()})
	require.NoError(t, err)
	running.Shutdown()
	running.WaitForShutdown()
	changed := options
	changed.Password = "changed"
	other := serve(t, changed)
	refused := func() bool {
		seen, err := other.Varz(nil)
		return err == nil && seen.TotalConnections >= 4
	}
	require.Eventually(t, refused, patience, time.Millisecond, "more refusals than nats.go takes by itself")
	other.Shutdown()
	other.WaitForShutdown()
	serve(t, options)
	require.Eventually(t, nc.IsConnected, patience, time.Millisecond)
	works(t, nc)
	assert.NotContains(t, out.String(), "hunter2")
}

func TestContextEnds(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0") // never says a word
	require.NoError(t, err)
	defer func() { assert.NoError(t, silent.Close()) }()
	cases := map[string]string{
		"nobody there":  "nats://127.0.0.1:1",
		"silent server": "nats://" + silent.Addr().String(),
		"no such name":  "nats://nowhere.invalid:4222",
	}
	for name, url := range cases {
		t.Run(name, func(t *testing.T) {
			cause := errors.New("told to stop")
			ctx, cancel := context.WithCancelCause(t.Context())
			var out log
			done := make(chan error, 1)
			go func() {
				_, err := conn.Connect(ctx, config.NATS{URL: config.Servers{url}}, conn.Options{
					Retry: true, Logger: out.logger(), Extra: []nats.Option{nats.Timeout(time.Hour)}, // no silence ends it
				})
				done <- err
			}()
			switch name {
			case "nobody there":
				require.Eventually(t, func() bool { return strings.Contains(out.String(), "connecting to NATS") }, patience, time.Millisecond)
				assert.Contains(t, out.String(), "at "+url, "where it was tried")
			case "silent server":
				nc, err := silent.Accept()
				require.NoError(t, err)
				defer func() { assert.NoError(t, nc.Close()) }()
			}
			cancel(cause)
			assert.ErrorIs(t, <-done, cause)
		})
	}
}

func TestRetryUntilThere(t *testing.T) {
	t.Parallel()
	address := port.Free(t)
	url := config.Servers{"nats://" + address}

	_, err := connect(t, config.NATS{URL: url}, conn.Options{})
	assert.ErrorIs(t, err, nats.ErrNoServers)

	var out log
	type result struct {
		nc  *nats.Conn
		err error
	}
	done := make(chan result, 1)
	closed := make(chan struct{})
	go func() {
		nc, err := conn.Connect(t.Context(), config.NATS{URL: url}, conn.Options{
			Retry: true, Logger: out.logger(), Extra: []nats.Option{nats.ClosedHandler(func(*nats.Conn) { close(closed) }), nats.Timeout(patience)},
		})
		done <- result{nc, err}
	}()
	require.Eventually(t, func() bool { return strings.Contains(out.String(), "failing") }, patience, time.Millisecond)
	serve(t, server.Options{Port: portOf(t, address)})
	got := <-done
	require.NoError(t, got.err)
	works(t, got.nc)
	got.nc.Close()
	<-closed
	assert.Equal(t, 1, strings.Count(out.String(), "level=WARN"), out.String())
	assert.Contains(t, out.String(), "works again")
}
