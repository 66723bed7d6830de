package callback

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
)

// padded is a push of exactly so many bytes.
func (c *callback) padded(size int) request {
	r := c.push(joined)
	r.body += strings.Repeat(" ", size-len(r.body))
	return r
}

// chunked hides how long a body is.
func chunked(body string) io.Reader { return io.MultiReader(strings.NewReader(body)) }

func TestSizes(t *testing.T) {
	c := serve(t, Options{})
	for name, test := range map[string]struct {
		size   int
		status int
	}{
		"the first buffer":  {firstBuffer, 200},
		"a byte more":       {firstBuffer + 1, 200},
		"1 MiB":             {maxBody, 200},
		"a byte over 1 MiB": {maxBody + 1, 413},
		"3 MiB":             {3 << 20, 413},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.padded(test.size)
			for _, body := range []io.Reader{strings.NewReader(r.body), chunked(r.body)} {
				resp, err := http.Post(c.URL+"?"+r.query.Encode(), "application/json", body)
				require.NoError(t, err)
				a := c.read(resp)
				if test.status == http.StatusOK {
					c.checkSuccess(a)
				} else {
					checkProblem(t, a, test.status)
				}
			}
		})
	}
}

// raw sends bytes of a request and reads the answer.
func (c *callback) raw(conn net.Conn, text string) *http.Response {
	c.t.Helper()
	_, err := io.WriteString(conn, text)
	require.NoError(c.t, err)
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(c.t, err)
	return resp
}

func (c *callback) dial() net.Conn {
	c.t.Helper()
	conn, err := net.Dial("tcp", c.Listener.Addr().String())
	require.NoError(c.t, err)
	c.t.Cleanup(func() { _ = conn.Close() })
	require.NoError(c.t, conn.SetDeadline(time.Now().Add(soon)))
	return conn
}

func (c *callback) head(r request, length int) string {
	return fmt.Sprintf("POST /?%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", r.query.Encode(), length)
}

func TestSlowBody(t *testing.T) {
	for name, sent := range map[string]string{"nothing comes": "", "half of it comes": `{"encrypt":"`} {
		t.Run(name, func(t *testing.T) {
			c := serve(t, Options{ReadTimeout: 50 * time.Millisecond})
			conn := c.dial()
			resp := c.raw(conn, c.head(c.push(joined), 900)+sent)
			checkProblem(t, c.read(resp), http.StatusRequestTimeout)
			assert.True(t, resp.Close)
			_, err := conn.Read(make([]byte, 1))
			require.ErrorIs(t, err, io.EOF, "the connection is given up")
			assert.Equal(t, []Outcome{TooSlow}, c.seen(1))
		})
	}
}

// A body announced as huge, of which nothing comes, is refused as soon as a small one.
func TestHugeBodyThatNeverComes(t *testing.T) {
	c := serve(t, Options{ReadTimeout: 50 * time.Millisecond})
	resp := c.raw(c.dial(), c.head(c.push(joined), 1<<40))
	checkProblem(t, c.read(resp), http.StatusRequestEntityTooLarge)
	assert.True(t, resp.Close)
}

// The deadline of the body must end neither the request, once the body was in time, nor what comes
// over the same connection, which may be for another handler.
func TestDeadlineEndsWithTheBody(t *testing.T) {
	c := serve(t, Options{ReadTimeout: 50 * time.Millisecond, Timeout: 200 * time.Millisecond, Receiver: receiver(func(ctx context.Context, _ push.Push) error {
		<-ctx.Done()
		return nil
	})})
	ended := make(chan error, 2)
	h := c.Config.Handler
	c.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		ended <- r.Context().Err()
	})
	conn := c.dial()
	for range 2 {
		r := c.push(joined)
		c.checkSuccess(c.read(c.raw(conn, c.head(r, len(r.body))+r.body)))
		require.NoError(t, <-ended)
	}
}

func TestSenderThatHangsUpInTheBody(t *testing.T) {
	c := serve(t, Options{})
	conn := c.dial().(*net.TCPConn)
	_, err := io.WriteString(conn, c.head(c.push(joined), 900)+`{"enc`)
	require.NoError(t, err)
	require.NoError(t, conn.CloseWrite())
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	checkProblem(t, c.read(resp), http.StatusBadRequest)
	assert.Equal(t, []Outcome{Malformed}, c.seen(1))
}

// Slow requests, many and large, keep no genuine push out.
func TestSlowRequestsKeepNobodyOut(t *testing.T) {
	c := serve(t, Options{MaxConcurrent: 1})
	for range 200 {
		_, err := io.WriteString(c.dial(), c.head(c.push(joined), maxBody)+`{"encrypt":"`)
		require.NoError(t, err)
	}
	c.checkSuccess(c.send(c.push(joined)))
	assert.Equal(t, []Outcome{Stored}, c.seen(1))
	c.CloseClientConnections()
}

// Bodies that do come, and do not end, are held to a bound together.
func TestMemoryIsBounded(t *testing.T) {
	c := &callback{t: t, cipher: newCipher(t, testKeys), logs: &buffer{}}
	h := NewHandler(Options{Cipher: c.cipher, Receiver: receiver(nil), ReadTimeout: soon}).(*handler)
	c.Server = httptest.NewServer(h)
	defer c.Close()
	require.True(t, h.memory.TryAcquire(maxMemory-firstBuffer), "all but one step is taken")

	big := c.padded(4 * firstBuffer)
	a := c.send(big)
	checkProblem(t, a, http.StatusServiceUnavailable)
	assert.Equal(t, retryAfter, a.header.Get("Retry-After"))
	small := c.push(`{"EventType":"check_url"}`)
	c.checkSuccess(c.send(small))

	h.memory.Release(maxMemory - firstBuffer)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			r := signed(c.cipher, now(), c.cipher.Encrypt([]byte(`{"EventType":"check_url"}`)))
			r.body += strings.Repeat(" ", maxBody-len(r.body))
			c.checkSuccess(c.send(r))
		})
	}
	wg.Wait()
	c.Close() // and wait for the handlers
	assert.True(t, h.memory.TryAcquire(maxMemory), "everything was given back")
}
