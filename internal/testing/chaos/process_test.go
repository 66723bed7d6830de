package chaos_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// process is a program that is started, killed and started again, by one goroutine at a time.
type process struct {
	t    testing.TB
	name string
	args []string
	env  []string
	log  string // file that takes stderr

	cmd   *exec.Cmd
	stdin io.Closer // what a NATS server waits for
	ended chan error
	// ending says that the program is meant to end.
	ending *atomic.Bool
	deaths atomic.Int64 // how often it has ended by itself
}

func newProcess(t testing.TB, name string, env []string, args ...string) *process {
	p := &process{t: t, name: name, env: env, args: args, log: filepath.Join(logDir(t), name+".log")}
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("end of the log of %s:\n%s", name, p.tail())
		}
	})
	return p
}

// logDir is where a test's processes log.
func logDir(t testing.TB) string {
	if *logs == "" {
		return t.TempDir()
	}
	dir := filepath.Join(*logs, strings.ReplaceAll(t.Name(), "/", "-"))
	require.NoError(t, os.MkdirAll(dir, 0o700))
	return dir
}

// start starts the program; there must not be one.
func (p *process) start() {
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if !assert.NoError(p.t, err) {
		return
	}
	defer func() { _ = log.Close() }()
	cmd := exec.Command(p.args[0], p.args[1:]...)
	cmd.Env = append(os.Environ(), p.env...)
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if !assert.NoError(p.t, err) || !assert.NoError(p.t, cmd.Start()) {
		return
	}
	ended, ending := make(chan error, 1), new(atomic.Bool)
	p.cmd, p.stdin, p.ended, p.ending = cmd, stdin, ended, ending
	go func() {
		err := cmd.Wait()
		if !ending.Load() {
			p.deaths.Add(1)
		}
		ended <- err
	}()
}

// kill kills the program as kill -9 does, even while it is paused, and waits until it is gone.
func (p *process) kill() {
	if p.cmd == nil {
		return
	}
	p.ending.Store(true)
	_ = p.cmd.Process.Kill()
	<-p.ended
	p.cmd = nil
}

var errStopTime = errors.New("it does not stop")

// terminate asks the program to end, and waits until it has. It returns how long that took, and an
// error if its exit status is not 0 or it has to be killed.
func (p *process) terminate(patience time.Duration) (time.Duration, error) {
	began := time.Now()
	p.ending.Store(true)
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended already
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-p.ended:
		p.cmd = nil
		return time.Since(began), err
	case <-timer.C:
		p.kill()
		return time.Since(began), fmt.Errorf("%s: %w", p.name, errStopTime)
	}
}

// pause stops the program where it is, until resume.
func (p *process) pause() { _ = p.cmd.Process.Signal(syscall.SIGSTOP) } // fails when it has ended

func (p *process) resume() { _ = p.cmd.Process.Signal(syscall.SIGCONT) }

func (p *process) tail() string {
	data, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(len(lines)-40, 0):], "\n")
}
