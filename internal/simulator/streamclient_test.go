package simulator

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/simulator/fault"
	"github.com/c4342123/rollcall/internal/testing/pipe"
)

// client is a stream connection from the other side.
type client struct {
	t      *testing.T
	ws     *websocket.Conn
	answer func(frame) *response // nil for no answer

	mu     sync.Mutex
	frames []frame
	texts  []string // what is no frame
	ended  chan struct{}
}

// openRequest is the body that opens a connection.
func openRequest(s *Simulator, topics ...string) map[string]any {
	if len(topics) == 0 {
		topics = []string{allTopics}
	}
	subscriptions := []map[string]string{{"type": "SYSTEM", "topic": "ping"}}
	for _, topic := range topics {
		subscriptions = append(subscriptions, map[string]string{"type": "EVENT", "topic": topic})
	}
	return map[string]any{
		"clientId": s.settings.AppKey, "clientSecret": s.settings.AppSecret, "ua": "test", "localIp": "127.0.0.1", "subscriptions": subscriptions,
	}
}

const openPath = "/v1.0/gateway/connections/open"

// ticketFor asks for a connection.
func (r *remote) ticketFor(topics ...string) string {
	r.t.Helper()
	var reply struct{ Endpoint, Ticket string }
	r.post(openPath, openRequest(r.sim, topics...)).into(&reply)
	require.Equal(r.t, "ws"+r.url[len("http"):]+"/connect", reply.Endpoint)
	require.Len(r.t, reply.Ticket, 32)
	return reply.Endpoint + "?ticket=" + reply.Ticket
}

// success acknowledges events and pings.
func success(f frame) *response {
	out := &response{Code: 200, Headers: map[string]string{"messageId": f.Headers["messageId"], "contentType": "application/json"}, Message: "OK"}
	if out.Data = f.Data; f.Type == frameEvent {
		out.Data = `{"status":"SUCCESS"}`
	}
	return out
}

// connect opens a connection whose client answers as it is told.
func (r *remote) connect(answer func(frame) *response, topics ...string) *client {
	r.t.Helper()
	before := r.sim.Stats().Pushes.Connected
	ws, resp, err := websocket.Dial(r.t.Context(), r.ticketFor(topics...), &websocket.DialOptions{HTTPClient: r.client})
	require.NoError(r.t, err)
	if resp.Body != nil {
		_ = resp.Body.Close()
	}
	ws.SetReadLimit(-1)
	c := &client{t: r.t, ws: ws, answer: answer, ended: make(chan struct{})}
	go c.read()
	r.t.Cleanup(func() {
		_ = ws.CloseNow()
		<-c.ended
	})
	require.Eventually(r.t, func() bool { return r.sim.Stats().Pushes.Connected > before }, patience, time.Millisecond)
	return c
}

func (c *client) read() {
	defer close(c.ended)
	for {
		kind, data, err := c.ws.Read(context.Background()) // ends when the connection is closed
		if err != nil {
			return
		}
		var f frame
		if err := json.Unmarshal(data, &f); err != nil || kind != websocket.MessageText || len(f.Headers) < 2 {
			c.note(func() { c.texts = append(c.texts, string(data[:min(len(data), 20)])) })
			continue
		}
		c.note(func() { c.frames = append(c.frames, f) })
		if r := c.answer(f); r != nil {
			if c.ws.Write(context.Background(), websocket.MessageText, encoded(r)) != nil {
				return
			}
		}
	}
}

func (c *client) note(f func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	f()
}

// of returns the frames of a topic or type that have come.
func (c *client) of(kind string) (out []frame) {
	c.note(func() {
		for _, f := range c.frames {
			if f.Type == kind || f.Headers["topic"] == kind {
				out = append(out, f)
			}
		}
	})
	return out
}

// waits until n frames of a kind have come, and returns them.
func (c *client) waits(kind string, n int) []frame {
	c.t.Helper()
	require.Eventually(c.t, func() bool { return len(c.of(kind)) >= n }, patience, time.Millisecond)
	out := c.of(kind)
	require.Len(c.t, out, n)
	return out
}

// isClosed waits for the simulator to close the connection.
func (c *client) isClosed() {
	c.t.Helper()
	select {
	case <-c.ended:
	case <-time.After(patience):
		assert.Fail(c.t, "the connection is still open")
	}
}

// streaming starts a simulator with a stream gateway. In a bubble of [synctest] its time passes in
// no time, and however slow the machine is nothing comes too late.
func streaming(t *testing.T, faults ...fault.Fault) *remote {
	t.Helper()
	return streamingWith(t, StreamSettings{}, faults...)
}

func streamingWith(t *testing.T, stream StreamSettings, faults ...fault.Fault) *remote {
	t.Helper()
	s := pushing(t, Settings{Stream: stream}, faults...)
	network := pipe.Listen()
	server := &http.Server{Handler: s.Handler()}
	served := make(chan error, 1)
	go func() { served <- server.Serve(network) }()
	client := &http.Client{Transport: &http.Transport{DialContext: network.Dial, DisableKeepAlives: true}}
	t.Cleanup(func() {
		assert.NoError(t, server.Close())
		assert.ErrorIs(t, <-served, http.ErrServerClosed)
	})
	return login(t, s, "http://simulator", client)
}

// timeless runs a test in a bubble.
func timeless(test func(*testing.T)) func(*testing.T) {
	return func(t *testing.T) { synctest.Test(t, test) }
}
