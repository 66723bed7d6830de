// Package natstest is for tests with NATS servers of other versions than the one that is linked
// into them, real ones run as processes and one that only says which version it is, and for what is
// done to a stream from outside: backups, ids that are forgotten, a stream made again.
package natstest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/logbuffer"
	"github.com/c4342123/rollcall/internal/testing/port"
)

const (
	// startTime bounds the start of a server, stopTime its stop.
	startTime = time.Minute
	stopTime  = 30 * time.Second
)

// Binary is the nats-server that tests are to run instead of the one that is linked into them;
// empty for that one.
func Binary() string { return os.Getenv("ROLLCALL_TEST_NATS_SERVER") }

// TooOld are nats-servers that are to be refused; there may be none.
func TooOld() []string { return filepath.SplitList(os.Getenv("ROLLCALL_TEST_OLD_NATS_SERVERS")) }

// Process is a NATS server in a process of its own.
type Process struct {
	t      testing.TB
	name   string
	url    string
	cmd    *exec.Cmd
	log    logbuffer.Buffer
	plain  bool // without JetStream
	exited chan struct{}
	end    sync.Once
}

// Start runs the binary with those of the options that tests set: ServerName, StoreDir, without
// which it has no JetStream, SyncAlways, MaxPayload, the limits of batches, Cluster and Routes. It
// returns when the server is well, with a port of its own, and kills it when the test ends. One
// that is part of a cluster is returned at once.
func Start(t testing.TB, binary string, opts *server.Options) *Process {
	t.Helper()
	address := port.Free(t)
	config := filepath.Join(t.TempDir(), "nats.conf")
	require.NoError(t, os.WriteFile(config, []byte(render(address, opts)), 0o600))
	p := &Process{t: t, name: opts.ServerName, url: "nats://" + address, plain: opts.StoreDir == "", exited: make(chan struct{})}
	p.cmd = exec.Command(binary, "-c", config)
	p.cmd.Stderr = &p.log
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("log of %s:\n%s", binary, &p.log)
		}
	})
	if len(opts.Routes) == 0 {
		require.True(t, p.ReadyForConnections(startTime), "it does not start: %s", &p.log)
	}
	return p
}

// render writes a configuration file.
func render(address string, opts *server.Options) string {
	var out strings.Builder
	line := func(set bool, format string, args ...any) {
		if set {
			_, _ = fmt.Fprintf(&out, format+"\n", args...)
		}
	}
	line(true, "listen: %q", address)
	line(opts.ServerName != "", "server_name: %q", opts.ServerName)
	line(opts.MaxPayload > 0, "max_payload: %d", opts.MaxPayload)
	if limits := opts.JetStreamLimits; opts.StoreDir != "" {
		line(true, "jetstream {\nstore_dir: %q", opts.StoreDir)
		line(opts.SyncAlways, "sync_interval: always")
		line(true, "limits { batch {")
		line(limits.MaxBatchSize > 0, "max_msgs: %d", limits.MaxBatchSize)
		line(limits.MaxBatchInflightPerStream > 0, "max_inflight_per_stream: %d", limits.MaxBatchInflightPerStream)
		line(limits.MaxBatchTimeout > 0, "timeout: %q", limits.MaxBatchTimeout)
		line(true, "} }\n}")
	}
	if cluster := opts.Cluster; cluster.Name != "" {
		line(true, "cluster {\nname: %q\nlisten: \"%s:%d\"\nno_advertise: %t\nroutes: [", cluster.Name, cluster.Host, cluster.Port, cluster.NoAdvertise)
		for _, route := range opts.Routes {
			line(true, "%q", route)
		}
		line(true, "]\n}")
	}
	return out.String()
}

// Name is the server's.
func (p *Process) Name() string { return p.name }

// ClientURL is where clients connect to.
func (p *Process) ClientURL() string { return p.url }

// ReadyForConnections waits until the server answers, with JetStream requests of that, or has
// ended, or for as long as is said.
func (p *Process) ReadyForConnections(within time.Duration) bool {
	for began := time.Now(); time.Since(began) < within; {
		select {
		case <-p.exited:
			return false
		case <-time.After(20 * time.Millisecond):
		}
		if p.answers() == nil {
			return true
		}
	}
	return false
}

func (p *Process) answers() error {
	nc, err := nats.Connect(p.url, nats.Timeout(time.Second))
	if err != nil {
		return err
	}
	defer nc.Close()
	js, err := jetstream.New(nc, jetstream.WithDefaultTimeout(time.Second))
	if err != nil {
		return err
	}
	if _, err = js.AccountInfo(p.t.Context()); errors.Is(err, jetstream.ErrJetStreamNotEnabled) && p.plain {
		return nil
	}
	return err
}

// Kill ends the server as kill -9 does, and waits until it is gone.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// Shutdown asks the server to end.
func (p *Process) Shutdown() {
	p.end.Do(func() { assert.NoError(p.t, ignoreDone(p.cmd.Process.Signal(syscall.SIGTERM))) })
}

// WaitForShutdown waits until it has ended.
func (p *Process) WaitForShutdown() {
	select {
	case <-p.exited:
	case <-time.After(stopTime):
		assert.Fail(p.t, "the server does not end")
		p.Kill()
	}
}

// Close ends the server.
func (p *Process) Close() error {
	p.Shutdown()
	p.WaitForShutdown()
	return nil
}

func ignoreDone(err error) error {
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}
