package httpapi

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/testing/port"
)

// running is a server on a port of this machine.
type running struct {
	address string
	stop    context.CancelFunc
	ended   chan error
}

// start runs srv until the test ends or stop is called.
func start(t *testing.T, srv *http.Server, grace time.Duration) *running {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(context.Background())
	r := &running{address: ln.Addr().String(), stop: stop, ended: make(chan error, 1)}
	go func() { r.ended <- serve(ctx, ln, srv, grace) }()
	t.Cleanup(func() {
		stop()
		assert.NoError(t, <-r.ended)
	})
	return r
}

// send writes bytes to the server and returns a reader of what it answers.
func (r *running) send(t *testing.T, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", r.address)
	require.NoError(t, err)
	t.Cleanup(func() { _ = c.Close() })
	require.NoError(t, c.SetDeadline(time.Now().Add(10*time.Second)))
	_, err = io.WriteString(c, text)
	require.NoError(t, err)
	return c, bufio.NewReader(c)
}

func (r *running) answer(t *testing.T, text string) *http.Response {
	t.Helper()
	_, reader := r.send(t, text)
	resp, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	t.Cleanup(func() { _ = resp.Body.Close() })
	return resp
}

func TestServeBoundsEverything(t *testing.T) {
	srv := apiServer(t.Context(), Options{Meetings: table()})
	assert.Equal(t, maxHeader, srv.MaxHeaderBytes)
	for _, limit := range []time.Duration{srv.ReadHeaderTimeout, srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout} {
		assert.Positive(t, limit)
		assert.LessOrEqual(t, limit, 2*time.Minute)
	}
	assert.Less(t, changeTimeout, srv.WriteTimeout)
}

func TestHeadersThatAreTooLarge(t *testing.T) {
	r := start(t, apiServer(t.Context(), Options{Meetings: table()}), closeTimeout)
	resp := r.answer(t, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Large: "+strings.Repeat("a", 2*maxHeader)+"\r\n\r\n")
	assert.Equal(t, http.StatusRequestHeaderFieldsTooLarge, resp.StatusCode)
}

func TestHeadersThatDoNotCome(t *testing.T) {
	srv := apiServer(t.Context(), Options{Meetings: table()})
	srv.ReadHeaderTimeout = 50 * time.Millisecond
	r := start(t, srv, closeTimeout)
	_, reader := r.send(t, "GET /livez HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
	_, err := io.ReadAll(reader)
	assert.NoError(t, err, "the server closes the connection")
}

func TestABodyThatDoesNotCome(t *testing.T) {
	srv := apiServer(t.Context(), Options{Meetings: table()})
	srv.ReadTimeout = 50 * time.Millisecond
	r := start(t, srv, closeTimeout)
	resp := r.answer(t, "PUT /v1/meetings/a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 15\r\n\r\n{\"title\"")
	assert.Contains(t, problemOf(t, resp, http.StatusRequestTimeout), "did not arrive")
}

func TestBodiesAsTheyTravel(t *testing.T) {
	r := start(t, apiServer(t.Context(), Options{Meetings: table()}), closeTimeout)
	const head = "PUT /v1/meetings/%s HTTP/1.1\r\nHost: localhost\r\n"
	for id, c := range map[string]struct {
		rest   string
		status int
	}{
		"chunked":       {"Transfer-Encoding: chunked\r\n\r\n5\r\n{\"tit\r\na\r\nle\":\"Weekl\r\n3\r\ny\"}\r\n0\r\n\r\n", 201},
		"chunked-empty": {"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 201},
		"chunked-wrong": {"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n", 400},
		"chunked-large": {"Transfer-Encoding: chunked\r\n\r\n20000\r\n" + strings.Repeat(" ", 0x20000) + "\r\n0\r\n\r\n", 413},
		"none":          {"\r\n", 201},
		"empty":         {"Content-Length: 0\r\n\r\n", 201},
	} {
		t.Run(id, func(t *testing.T) {
			resp := r.answer(t, fmt.Sprintf(head, id)+c.rest)
			if c.status == http.StatusCreated {
				body := jsonOf[meetingBody](t, resp, c.status)
				assert.Equal(t, id, body.ConferenceID)
				return
			}
			problemOf(t, resp, c.status)
		})
	}
}

func TestRequestsThatAreNone(t *testing.T) {
	r := start(t, apiServer(t.Context(), Options{Meetings: table()}), closeTimeout)
	problemOf(t, r.answer(t, "GET //livez HTTP/1.1\r\nHost: localhost\r\n\r\n"), http.StatusNotFound)
	problemOf(t, r.answer(t, "CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n"), http.StatusNotFound)
	problemOf(t, r.answer(t, "GET http://evil.example/v1/meetings HTTP/1.1\r\nHost: localhost\r\n\r\n"), http.StatusForbidden)
	problemOf(t, r.answer(t, "GET /v1/meetings HTTP/1.0\r\n\r\n"), http.StatusForbidden)
	resp := r.answer(t, "OPTIONS /v1/meetings/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
	problemOf(t, resp, http.StatusMethodNotAllowed)
	assert.Equal(t, "DELETE, GET, HEAD, PUT", resp.Header.Get("Allow"))
}

func TestStopLetsRequestsFinish(t *testing.T) {
	entered, finish := make(chan struct{}), make(chan struct{})
	m := table()
	m.watch = func(ctx context.Context, _, _ string) (bool, error) {
		close(entered)
		select {
		case <-finish:
			return true, nil
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- Serve(ctx, ln, Options{Meetings: m}) }()
	r := &running{address: ln.Addr().String()}
	_, reader := r.send(t, "PUT /v1/meetings/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-entered
	stop()
	require.Eventually(t, func() bool { return !port.Taken(r.address) }, 5*time.Second, time.Millisecond, "new requests are refused")
	close(finish)
	resp, err := http.ReadResponse(reader, nil)
	require.NoError(t, err)
	defer resp.Body.Close()
	assert.Equal(t, http.StatusCreated, resp.StatusCode)
	assert.NoError(t, <-ended)
}

func TestStopCutsOffWhatTakesTooLong(t *testing.T) {
	requests, cut := context.WithCancel(t.Context())
	entered, left := make(chan struct{}), make(chan error, 1)
	m := table()
	m.watch = func(ctx context.Context, _, _ string) (bool, error) {
		close(entered)
		<-ctx.Done()
		left <- ctx.Err()
		return false, ctx.Err()
	}
	r := start(t, apiServer(requests, Options{Meetings: m}), 20*time.Millisecond)
	_, reader := r.send(t, "PUT /v1/meetings/a HTTP/1.1\r\nHost: localhost\r\n\r\n")
	<-entered
	r.stop()
	require.NoError(t, <-r.ended)
	r.ended <- nil // for the clean-up
	cut()
	assert.ErrorIs(t, <-left, context.Canceled)
	_, err := reader.ReadByte()
	assert.Error(t, err)
}

// brokenListener cannot accept.
type brokenListener struct{ net.Listener }

func (brokenListener) Accept() (net.Conn, error) { return nil, errors.New("out of files") }

func TestServeSaysWhyItCannotGoOn(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	assert.ErrorContains(t, Serve(t.Context(), brokenListener{ln}, Options{Meetings: table()}), "out of files")
	_, err = ln.Accept()
	assert.ErrorIs(t, err, net.ErrClosed)
}
