package main

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

// program is the name under which this test binary is the program: what is tested is the real
// thing, signals and pipes included, and the race detector watches it.
const program = "rollcall"

func TestMain(m *testing.M) { testscript.Main(tests{m}, map[string]func(){program: main}) }

// tests are those of this package.
type tests struct{ *testing.M }

// Run runs them and looks for what they left running.
func (m tests) Run() int { return leak.Run(m.M) }

const (
	patience = time.Minute
	// stopTime is how long a stop may take.
	stopTime = 30 * time.Second
)

// output is what a process writes.
type output = logbuffer.Buffer

// process is the program as a process of its own.
type process struct {
	t              testing.TB
	cmd            *exec.Cmd
	stdout, stderr *output
	exited         chan struct{}
}

// environment is all that a process gets to know: nothing of the machine's own settings.
func environment(tmp string, more ...string) []string {
	return append([]string{"TMPDIR=" + tmp, "HOME=" + tmp, "TZ=UTC"}, more...)
}

// launch starts the program, which is killed at the end of the test if it still runs. stdout is
// where the program writes to; nil collects it.
func launch(t testing.TB, stdout io.Writer, env []string, args ...string) *process {
	t.Helper()
	return launchAs(t, stdout, env, exec.Command(program, args...))
}

// launchAs is launch of a command that ends as the program.
func launchAs(t testing.TB, stdout io.Writer, env []string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{t: t, stdout: &output{}, stderr: &output{}, exited: make(chan struct{})}
	if stdout == nil {
		stdout = p.stdout
	}
	p.cmd = cmd
	p.cmd.Env, p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = env, t.TempDir(), stdout, p.stderr
	require.NoError(t, p.cmd.Start())
	go func() {
		defer close(p.exited)
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill()
		<-p.exited
		if t.Failed() {
			t.Logf("rollcall %s\nstdout:\n%s\nstderr:\n%s", strings.Join(cmd.Args[1:], " "), p.stdout, p.stderr)
		}
	})
	return p
}

// says waits until the process has written a text to stdout.
func (p *process) says(text string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return strings.Contains(p.stdout.String(), text) }, patience, 5*time.Millisecond, "no %q", text)
}

// logs waits until the process has written a text to stderr.
func (p *process) logs(text string) {
	p.t.Helper()
	require.Eventually(p.t, func() bool { return strings.Contains(p.stderr.String(), text) }, patience, 5*time.Millisecond, "no %q", text)
}

// ends waits until the process is over and requires an exit status.
func (p *process) ends(status int, within time.Duration) {
	p.t.Helper()
	select {
	case <-p.exited:
		assert.Equal(p.t, status, p.cmd.ProcessState.ExitCode(), "%s", p.cmd.ProcessState)
	case <-time.After(within):
		require.Fail(p.t, "it does not end")
	}
}

// stop ends the process as a person or a supervisor does.
func (p *process) stop(sig os.Signal) {
	p.t.Helper()
	require.NoError(p.t, p.cmd.Process.Signal(sig))
	p.ends(0, stopTime)
}

// between returns what stands in the output between two texts.
func between(t testing.TB, text, before, after string) string {
	t.Helper()
	_, rest, found := strings.Cut(text, before)
	require.True(t, found, "no %q in %s", before, text)
	got, _, found := strings.Cut(rest, after)
	require.True(t, found, "no %q in %s", after, rest)
	return got
}

// take occupies an address until the test ends. Somebody else may have it already, which is as
// good.
func take(t *testing.T, address string) {
	t.Helper()
	ln, err := net.Listen("tcp", address)
	if err == nil {
		t.Cleanup(func() { _ = ln.Close() })
	}
}

// files lists what is left in a directory.
func files(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	require.NoError(t, err)
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}
