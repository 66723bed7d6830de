// Package child is for tests that kill: it runs the test binary again, as another program.
package child

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Child is the test binary as another program.
type Child struct {
	// Process is the program's.
	Process *os.Process

	cmd   *exec.Cmd
	lines *bufio.Reader
}

// Start starts the test binary with these variables ("name=value"), by which its TestMain knows
// what to be instead of tests. The program is killed when the test ends.
func Start(t testing.TB, env ...string) *Child {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), env...)
	_, err := cmd.StdinPipe() // closed by Wait, or with this process
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	c := &Child{Process: cmd.Process, cmd: cmd, lines: bufio.NewReader(out)}
	t.Cleanup(c.Kill)
	return c
}

// Kill ends the program as kill -9 does, and waits until it is gone.
func (c *Child) Kill() {
	_ = c.cmd.Process.Kill()
	_ = c.cmd.Wait()
}

// Line returns the next line the program prints.
func (c *Child) Line(t testing.TB) string {
	t.Helper()
	line, err := c.lines.ReadString('\n')
	require.NoError(t, err)
	return strings.TrimSpace(line)
}

// Server is a NATS server that runs in a child.
type Server interface {
	ClientURL() string
	Close() error
}

// Serve is what such a child does: it prints where the server listens, or "error: " and why it does
// not, and closes it when the standard input ends. It returns the code to exit with.
func Serve[S Server](s S, err error) int {
	if err != nil {
		fmt.Println("error:", err)
		return 1
	}
	fmt.Println(s.ClientURL())
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
	if s.Close() != nil {
		return 1
	}
	return 0
}
