package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/port"
)

// anywhere makes the demo choose its ports: several tests run at a time.
var anywhere = []string{"--listen=127.0.0.1:0", "--embedded-listen=127.0.0.1:0"}

func startDemo(t *testing.T, tmp string, args ...string) *process {
	t.Helper()
	return launch(t, nil, environment(tmp), append([]string{"demo"}, args...)...)
}

func TestDemoEndsByItself(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	began := time.Now()
	p := startDemo(t, tmp, append(anywhere, "--for=3s")...)
	p.ends(0, patience)
	assert.GreaterOrEqual(t, time.Since(began), 3*time.Second)
	assert.Contains(t, p.stdout.String(), "Ctrl-C ends it")
	assert.Empty(t, p.stderr.String(), "nothing stands between the events")
	assert.Empty(t, files(t, tmp), "the data is gone")
}

func TestDemoShowsItself(t *testing.T) {
	t.Parallel()
	p := startDemo(t, t.TempDir(), anywhere...)
	p.says("+ joined")
	page := between(t, p.stdout.String(), "page       ", "\n")
	for target, want := range map[string]string{page: "<title>Rollcall", page + "v1/meetings": "Daily stand-up", page + "readyz": "ready"} {
		require.Eventually(t, func() bool {
			resp, err := http.Get(target)
			if err != nil {
				return false
			}
			defer resp.Body.Close()
			body, err := io.ReadAll(resp.Body)
			return err == nil && resp.StatusCode == http.StatusOK && strings.Contains(string(body), want)
		}, patience, 20*time.Millisecond, target)
	}
	http.DefaultClient.CloseIdleConnections()
	for _, want := range []string{"Ctrl-C ends it", "/v1/meetings", "nats sub -s nats://127.0.0.1:", "/_sim/truth", "韩梅", "Jonas Becker", "Sofia Rossi"} {
		p.says(want)
	}
	p.stop(syscall.SIGINT)
	assert.Empty(t, p.stderr.String(), "nothing stands between the events")
}

func TestDemoStopsWhenItIsTold(t *testing.T) {
	t.Parallel()
	for name, sig := range map[string]syscall.Signal{"Ctrl-C": syscall.SIGINT, "SIGTERM": syscall.SIGTERM, "the terminal is gone": syscall.SIGHUP} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if signal.Ignored(sig) {
				t.Skip("this process is to outlive its terminal, and so are those it starts")
			}
			tmp := t.TempDir()
			p := startDemo(t, tmp, anywhere...)
			p.says("+ joined")
			assert.NotEmpty(t, files(t, tmp))
			p.stop(sig)
			assert.Empty(t, p.stderr.String())
			assert.Empty(t, files(t, tmp), "the data is gone")
		})
	}
}

// A reader that closes the pipe after the first lines, as head does, leaves nothing behind.
func TestDemoWhoseReaderGoesAway(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	reader, writer, err := os.Pipe()
	require.NoError(t, err)
	p := launch(t, writer, environment(tmp), append([]string{"demo"}, anywhere...)...)
	require.NoError(t, writer.Close())
	line, err := bufio.NewReader(reader).ReadString('\n')
	require.NoError(t, err)
	assert.Contains(t, line, "Rollcall is running")
	require.NoError(t, reader.Close())
	p.ends(0, patience)
	assert.Empty(t, p.stderr.String())
	assert.Empty(t, files(t, tmp), "the data is gone")
}

func TestDemoKeepsItsData(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	dir := filepath.Join(tmp, "kept")
	p := startDemo(t, tmp, append(anywhere, "--data-dir="+dir)...)
	p.says("Jonas Becker")
	second := startDemo(t, tmp, append(anywhere, "--data-dir="+dir)...)
	second.ends(1, patience)
	assert.Contains(t, second.stderr.String(), "is in use")
	assert.Contains(t, second.stderr.String(), "--data-dir")
	assert.Equal(t, 1, strings.Count(second.stderr.String(), "\n"))
	p.stop(syscall.SIGINT)
	assert.NotEmpty(t, files(t, dir))

	again := startDemo(t, tmp, append(anywhere, "--data-dir="+dir)...)
	again.says("+ rejoined") // it knows who was there before
	again.stop(syscall.SIGINT)
	assert.Equal(t, []string{"kept"}, files(t, tmp))
}

func TestDemoWhileItsPortsAreTaken(t *testing.T) {
	t.Parallel()
	take(t, "127.0.0.1:8080")
	take(t, "127.0.0.1:4222")
	tmp := t.TempDir()
	p := startDemo(t, tmp)
	p.says("+ joined")
	assert.NotContains(t, p.stdout.String(), "127.0.0.1:8080")
	assert.NotContains(t, p.stdout.String(), "127.0.0.1:4222")
	for _, taken := range []string{"127.0.0.1:8080 is in use", "--listen", "127.0.0.1:4222 is in use", "--embedded-listen"} {
		assert.Contains(t, p.stderr.String(), taken)
	}
	p.stop(syscall.SIGINT)

	// What somebody asked for by name is not replaced by something else.
	for _, flag := range []string{"--listen", "--embedded-listen"} {
		address := port.Free(t)
		take(t, address)
		p := startDemo(t, tmp, flag+"="+address)
		p.ends(1, patience)
		assert.Contains(t, p.stderr.String(), flag)
		assert.Contains(t, p.stderr.String(), address)
		assert.Contains(t, p.stderr.String(), "in use")
		assert.Equal(t, 1, strings.Count(p.stderr.String(), "rollcall: "))
	}
	assert.Empty(t, files(t, tmp))
}

func TestDemoIsOfThisMachineAlone(t *testing.T) {
	t.Parallel()
	tmp := t.TempDir()
	env := environment(tmp, "ROLLCALL_DINGTALK_URL=http://192.0.2.1", "ROLLCALL_NATS_URL=nats://192.0.2.1:4222",
		"ROLLCALL_DATA_DIR="+filepath.Join(tmp, "real"), "ROLLCALL_API_TOKEN=s3cret-and-more-of-it")
	p := launch(t, nil, env, append([]string{"demo"}, anywhere...)...)
	p.says("+ joined")
	assert.Contains(t, p.stdout.String(), "with the API token")
	assert.NotContains(t, p.stdout.String(), "s3cret-and-more-of-it")
	p.stop(syscall.SIGINT)
	assert.Empty(t, files(t, tmp))
}
