package embedded

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/child"
)

// startServer runs a server on dir and any free port until the test ends.
func startServer(t *testing.T, dir string) *Server {
	t.Helper()
	s, err := Start(t.Context(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, s.Close()) })
	return s
}

func connect(t *testing.T, url string, opts ...nats.Option) jetstream.JetStream {
	t.Helper()
	nc, err := nats.Connect(url, append(opts, nats.Timeout(time.Minute))...)
	require.NoError(t, err)
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	require.NoError(t, err)
	return js
}

func TestTheFirstRequestIsAnsweredBeforeAnybodyElseAsks(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	info, err := s.running.Load().Jsz(nil)
	require.NoError(t, err)
	assert.EqualValues(t, 1, info.API.Total)
}

// store creates a stream and stores n messages in it, each acknowledged.
func store(t *testing.T, js jetstream.JetStream, n int) {
	t.Helper()
	_, err := js.CreateOrUpdateStream(t.Context(), jetstream.StreamConfig{Name: "KEPT", Subjects: []string{"kept.>"}})
	require.NoError(t, err)
	for i := range n {
		_, err := js.Publish(t.Context(), "kept.message", fmt.Appendf(nil, "%d", i))
		require.NoError(t, err)
	}
}

func stored(t *testing.T, js jetstream.JetStream) int {
	t.Helper()
	st, err := js.Stream(t.Context(), "KEPT")
	require.NoError(t, err)
	return int(st.CachedInfo().State.Msgs)
}

func TestClientsConnectOverTCPAndInProcess(t *testing.T) {
	t.Parallel()
	s := startServer(t, t.TempDir())
	store(t, connect(t, s.ClientURL()), 1)
	assert.Equal(t, 1, stored(t, connect(t, "", s.InProcess()...)))
}

func TestCredentialsHoldForEveryClient(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"user and password": {Username: "ann", Password: "pa55word"},
		"token":             {Token: "t0ken"},
	} {
		t.Run(name, func(t *testing.T) {
			o.StoreDir, o.Listen = t.TempDir(), "0.0.0.0:0"
			s, err := Start(t.Context(), o)
			require.NoError(t, err)
			t.Cleanup(func() { assert.NoError(t, s.Close()) })
			_, err = nats.Connect(s.ClientURL())
			require.ErrorIs(t, err, nats.ErrAuthorization)
			assert.NotContains(t, s.ClientURL(), "pa55word")
			assert.NotContains(t, s.ClientURL(), "t0ken")
			store(t, connect(t, "", s.InProcess()...), 1)
			assert.Equal(t, 1, stored(t, connect(t, s.ClientURL(), o.login(keys{})...)))
		})
	}
}

func TestRestartKeepsTheData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, dir)
	store(t, connect(t, s.ClientURL()), 10)
	require.NoError(t, s.Close())
	require.NoError(t, s.Close(), "closing twice")

	s = startServer(t, dir)
	assert.Equal(t, 10, stored(t, connect(t, s.ClientURL())))
}

func TestSecondServerOnOneStoreIsRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	startServer(t, dir)

	_, err := Start(t.Context(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.ErrorIs(t, err, ErrStoreInUse)
	assert.ErrorContains(t, err, dir)
	assert.ErrorContains(t, err, "another server of this process")

	said := child.Start(t, childDir+"="+dir).Line(t)
	assert.Contains(t, said, ErrStoreInUse.Error())
	assert.Contains(t, said, dir)
	assert.Contains(t, said, fmt.Sprintf("the process %d", os.Getpid()))
}

func TestRefusedServerLeavesTheHolderAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startServer(t, dir)
	_, err := Start(t.Context(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.Error(t, err)
	store(t, connect(t, s.ClientURL()), 3)
	_, err = Start(t.Context(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.ErrorIs(t, err, ErrStoreInUse, "the refusal must not have released the lock")
}

func TestKilledProcessLosesNothingAcknowledged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	child := child.Start(t, childDir+"="+dir)
	store(t, connect(t, child.Line(t), nats.NoReconnect()), 50)
	_, err := Start(t.Context(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.ErrorContains(t, err, fmt.Sprintf("the process %d", child.Process.Pid))

	child.Kill()
	s := startServer(t, dir)
	assert.Equal(t, 50, stored(t, connect(t, s.ClientURL())))
}

func TestPortInUseIsSaidClearly(t *testing.T) {
	t.Parallel()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { require.NoError(t, l.Close()) }()

	dir := t.TempDir()
	_, err = Start(t.Context(), Options{StoreDir: dir, Listen: l.Addr().String()})
	require.ErrorIs(t, err, syscall.EADDRINUSE)
	assert.ErrorContains(t, err, l.Addr().String())
	startServer(t, dir) // the store is free again
}

func TestUnusableStoreIsSaidClearly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := Start(t.Context(), Options{StoreDir: file, Listen: "127.0.0.1:0"})
	require.ErrorContains(t, err, file)

	// JetStream's own directory cannot be made: the server calls that fatal, and must not end the
	// process.
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "jetstream"), nil, 0o600))
	_, err = Start(t.Context(), Options{StoreDir: dir, Listen: "127.0.0.1:0"})
	require.ErrorContains(t, err, "storage directory is not a directory")
	require.NoError(t, os.Remove(filepath.Join(dir, "jetstream")))
	startServer(t, dir)
}

func TestStartGivesUpWithItsContext(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("enough"))
	_, err := Start(ctx, Options{StoreDir: t.TempDir(), Listen: "127.0.0.1:0"})
	require.ErrorContains(t, err, "enough")
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		opts Options
		want string
	}{
		"no port":                  {Options{Listen: "127.0.0.1"}, `listen address "127.0.0.1"`},
		"port is a word":           {Options{Listen: "127.0.0.1:nats"}, `port "nats"`},
		"port too large":           {Options{Listen: "127.0.0.1:65536"}, `port "65536"`},
		"every address":            {Options{Listen: ":4222"}, ErrCredentialsRequired.Error()},
		"every address, by number": {Options{Listen: "0.0.0.0:4222"}, ErrCredentialsRequired.Error()},
		"every IPv6 address":       {Options{Listen: "[::]:4222"}, ErrCredentialsRequired.Error()},
		"a name":                   {Options{Listen: "nats.example:4222"}, ErrCredentialsRequired.Error()},
		"user without password":    {Options{Username: "ann"}, "belong together"},
		"password without user":    {Options{Password: "pw"}, "belong together"},
		"token and user":           {Options{Token: "t", Username: "ann", Password: "pw"}, "exclude each other"},
		"negative memory":          {Options{MaxMemory: -1}, "MaxMemory -1"},
		"negative disk":            {Options{MaxStore: -1}, "MaxStore -1"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.opts.StoreDir = filepath.Join(t.TempDir(), "store")
			_, err := Start(t.Context(), tt.opts)
			require.ErrorContains(t, err, tt.want)
			assert.NoDirExists(t, tt.opts.StoreDir, "a refused start leaves nothing behind")
		})
	}
}

func TestLoopbackNeedsNoCredentials(t *testing.T) {
	t.Parallel()
	for _, listen := range []string{"127.0.0.1:0", "localhost:0", "127.8.8.8:0", "[::1]:0"} {
		_, err := Options{Listen: listen}.withDefaults().serverOptions(keys{})
		assert.NoError(t, err, listen)
	}
}

func TestZeroOptionsAreTheContract(t *testing.T) {
	t.Parallel()
	sopts, err := Options{}.withDefaults().serverOptions(keys{})
	require.NoError(t, err)
	assert.Equal(t, "127.0.0.1", sopts.Host)
	assert.Equal(t, 4222, sopts.Port)
	assert.Equal(t, "./rollcall-data", sopts.StoreDir)
	assert.True(t, sopts.SyncAlways, "an acknowledged commit survives a power cut")
	assert.True(t, sopts.NoSigs, "signals are the process's business")
	assert.Positive(t, sopts.JetStreamMaxMemory)
}

func TestServerLogsThroughSlog(t *testing.T) {
	t.Parallel()
	var buf bytes.Buffer
	troubles := 0
	l := newServerLog(slog.New(slog.NewTextHandler(&buf, &slog.HandlerOptions{Level: slog.LevelDebug})), func() { troubles++ })
	l.Noticef("notice %d", 1)
	l.Warnf("warning %d", 2)
	l.Errorf("error %d", 3)
	l.Debugf("debug %d", 4)
	l.Tracef("trace %d", 5)
	l.Fatalf("fatal %d", 6)
	l.Fatalf("fatal %d", 7) // nobody reads the first; it must not block
	for _, want := range []string{
		`level=DEBUG msg="notice 1" component=nats-server`, `level=WARN msg="warning 2"`, `level=ERROR msg="error 3"`,
		`level=DEBUG msg="debug 4"`, `level=DEBUG msg="trace 5"`, `level=ERROR msg="fatal 6"`, `level=ERROR msg="fatal 7"`,
	} {
		assert.Contains(t, buf.String(), want)
	}
	assert.Equal(t, "fatal 6", <-l.fatal)
	assert.Equal(t, 1, troubles)
}
