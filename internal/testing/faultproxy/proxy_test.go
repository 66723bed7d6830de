package faultproxy

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/leak"
)

func TestMain(m *testing.M) { leak.Main(m) }

// echo is a server that says back what it hears, each line after its own greeting.
func echo(t *testing.T, greeting string) string {
	t.Helper()
	l := listen(t)
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				_, _ = io.WriteString(c, greeting+"\n")
				_, _ = io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

type client struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, p *Proxy) client {
	t.Helper()
	var d net.Dialer
	c, err := d.DialContext(t.Context(), "tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(time.Minute)))
	return client{c, bufio.NewReader(c)}
}

func (c client) say(t *testing.T, line string) {
	t.Helper()
	_, err := io.WriteString(c, line+"\n")
	require.NoError(t, err)
}

func (c client) hear(t *testing.T) string {
	t.Helper()
	line, err := c.in.ReadString('\n')
	require.NoError(t, err)
	return line[:len(line)-1]
}

func TestPassesBothWays(t *testing.T) {
	c := dial(t, Start(t, echo(t, "hello")))
	assert.Equal(t, "hello", c.hear(t))
	c.say(t, "ping")
	assert.Equal(t, "ping", c.hear(t))
}

func TestSwallowsOneDirectionOnly(t *testing.T) {
	p := Start(t, echo(t, "hello"))
	c := dial(t, p)
	require.Equal(t, "hello", c.hear(t))

	heard := make(chan string, 1)
	p.ToServer(func(b []byte) []byte { heard <- string(b); return nil })
	c.say(t, "lost on the way there")
	assert.Equal(t, "lost on the way there\n", <-heard)
	p.ToServer(nil)

	p.ToClient(Swallow)
	c.say(t, "x")
	p.ToClient(func(b []byte) []byte { return bytes.TrimPrefix(b, []byte("x\n")) })
	c.say(t, "arrives")
	assert.Equal(t, "arrives", c.hear(t))
}

func TestDelays(t *testing.T) {
	p := Start(t, echo(t, "hello"))
	c := dial(t, p)
	require.Equal(t, "hello", c.hear(t))
	p.ToServer(Delay(t.Context(), 50*time.Millisecond))
	began := time.Now()
	c.say(t, "late")
	assert.Equal(t, "late", c.hear(t))
	assert.GreaterOrEqual(t, time.Since(began), 50*time.Millisecond)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.Equal(t, "x", string(Delay(ended, time.Hour)([]byte("x"))))
}

func TestCutsAndRefuses(t *testing.T) {
	p := Start(t, echo(t, "hello"))
	c := dial(t, p)
	require.Equal(t, "hello", c.hear(t))
	p.Cut()
	_, err := c.in.ReadString('\n')
	require.Error(t, err)

	p.Refuse(true)
	_, err = dial(t, p).in.ReadString('\n')
	require.Error(t, err)

	p.Refuse(false)
	assert.Equal(t, "hello", dial(t, p).hear(t))
}

func TestFollowsItsTarget(t *testing.T) {
	p := Start(t, echo(t, "first"))
	assert.Equal(t, "first", dial(t, p).hear(t))
	p.SetTarget(echo(t, "second"))
	assert.Equal(t, "second", dial(t, p).hear(t))
}

func TestServerThatIsNotThereEndsTheConnection(t *testing.T) {
	_, err := dial(t, Start(t, "127.0.0.1:1")).in.ReadString('\n')
	require.Error(t, err)
}
