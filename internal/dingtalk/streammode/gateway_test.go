package streammode

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/testing/leak"
	"github.com/c4342123/rollcall/internal/testing/logbuffer"
)

func TestMain(m *testing.M) { leak.Main(m) }

const (
	secret = "client-secret-of-the-app"
	// ticket needs escaping.
	ticket = "t1ck+et/of=90&seconds"

	joined = `{"openMemberModels":[{"userId":"2iPOw","userNick":"Ann","conferenceId":"6321a","joinTime":1663143334000}],"changeScene":"user_join"}`

	// soon is far longer than anything here takes, and ends a test that hangs.
	soon = time.Minute
	// never is longer than a test.
	never = time.Hour
)

// receiver is a [push.Receiver] made of a function.
type receiver func(ctx context.Context, p push.Push) error

var _ push.Receiver = receiver(nil)

func (f receiver) Receive(ctx context.Context, p push.Push) error { return f(ctx, p) }

// gateway is DingTalk's side: the API call and the WebSocket.
type gateway struct {
	*httptest.Server
	t *testing.T
	// open answers the API call; nil gives out this server's endpoint and the ticket.
	open func(w http.ResponseWriter, r *http.Request)
	// accept are the options of the WebSocket.
	accept websocket.AcceptOptions
	opened chan openRequest
	conns  chan *peer
	done   chan struct{}
	served sync.WaitGroup // the connections, which the server does not wait for
}

// peer is the gateway's end of one connection.
type peer struct {
	*websocket.Conn
	t    *testing.T
	ctx  context.Context
	acks chan ack
	gone chan struct{} // closed when the connection is
}

func newGateway(t *testing.T) *gateway {
	return newGatewayOn(t, nil)
}

// newGatewayOn starts a gateway on a listener; nil stands for one of its own.
func newGatewayOn(t *testing.T, listener net.Listener) *gateway {
	g := &gateway{t: t, opened: make(chan openRequest, 1000), conns: make(chan *peer, 1000), done: make(chan struct{})}
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+openPath, func(w http.ResponseWriter, r *http.Request) {
		var request openRequest
		assert.NoError(t, json.NewDecoder(r.Body).Decode(&request))
		g.opened <- request
		if g.open != nil {
			g.open(w, r)
			return
		}
		g.grant(w)
	})
	mux.HandleFunc("/connect", g.connect)
	g.Server = httptest.NewUnstartedServer(mux)
	if listener != nil {
		require.NoError(t, g.Listener.Close())
		g.Listener = listener
	}
	g.Start()
	t.Cleanup(func() {
		close(g.done)
		g.CloseClientConnections()
		g.Close()
		g.served.Wait()
	})
	return g
}

func (g *gateway) grant(w http.ResponseWriter) {
	endpoint := "ws" + strings.TrimPrefix(g.URL, "http") + "/connect?region=x"
	_ = json.NewEncoder(w).Encode(map[string]string{"endpoint": endpoint, "ticket": ticket})
}

func (g *gateway) connect(w http.ResponseWriter, r *http.Request) {
	g.served.Add(1)
	defer g.served.Done()
	assert.Equal(g.t, ticket, r.URL.Query().Get("ticket"))
	assert.Equal(g.t, "x", r.URL.Query().Get("region"))
	assert.Equal(g.t, "rollcall/test", r.UserAgent())
	conn, err := websocket.Accept(w, r, &g.accept)
	if !assert.NoError(g.t, err) {
		return
	}
	defer conn.CloseNow()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	p := &peer{Conn: conn, t: g.t, ctx: ctx, acks: make(chan ack, 10_000), gone: make(chan struct{})}
	go func() {
		defer close(p.gone)
		for {
			_, data, err := conn.Read(ctx)
			if err != nil {
				return
			}
			var a ack
			assert.NoError(g.t, json.Unmarshal(data, &a), string(data))
			p.acks <- a
		}
	}()
	g.conns <- p
	select {
	case <-p.gone:
	case <-g.done:
	}
	cancel()
	<-p.gone
}

// next is the next connection.
func (g *gateway) next() *peer {
	g.t.Helper()
	return await(g.t, g.conns, "a connection")
}

func await[T any](t *testing.T, from <-chan T, what string) T {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(soon):
		require.FailNow(t, "no "+what)
		panic("unreachable")
	}
}

func (p *peer) send(text string) {
	p.t.Helper()
	require.NoError(p.t, p.Write(p.ctx, websocket.MessageText, []byte(text)))
}

func (p *peer) frame(kind string, headers map[string]any, data any) {
	p.t.Helper()
	raw, err := json.Marshal(map[string]any{"specVersion": "1.0", "type": kind, "headers": headers, "data": data})
	require.NoError(p.t, err)
	p.send(string(raw))
}

// event sends a push as DingTalk does.
func (p *peer) event(messageID, data string) {
	p.t.Helper()
	p.eventOf("meeting_member_status_change", messageID, data)
}

func (p *peer) eventOf(kind, messageID, data string) {
	p.t.Helper()
	p.frame("EVENT", map[string]any{
		"topic": "*", "messageId": messageID, "contentType": "application/json", "time": "1663143335999",
		"eventType": kind, "eventId": "e-" + messageID, "eventCorpId": "ding9f50", "eventBornTime": "1663143335567",
	}, data)
}

func (p *peer) ack() ack {
	p.t.Helper()
	return await(p.t, p.acks, "acknowledgement")
}

// ping sends a system ping and expects its echo next: nothing else was being answered before it.
func (p *peer) ping() {
	p.t.Helper()
	p.frame("SYSTEM", map[string]any{"topic": "ping", "messageId": "ping"}, `{"opaque":"1-<&é"}`)
	assert.Equal(p.t, newAck("ping", 200, `{"opaque":"1-<&é"}`), p.ack())
}

func (p *peer) disconnect() {
	p.t.Helper()
	p.frame("SYSTEM", map[string]any{"topic": "disconnect", "contentType": "application/json"}, `{"reason":"connection is expired"}`)
}

// running is a Run in the background, with what it said.
type running struct {
	t     *testing.T
	stop  context.CancelFunc
	ended chan struct{}
	logs  *buffer

	mu       sync.Mutex
	failures []string
	oks      int
	outcomes []Outcome
}

// buffer is a log that may be read while it is written.
type buffer = logbuffer.Buffer

func (r *running) Failed(key string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Equal(r.t, "stream", key)
	r.failures = append(r.failures, err.Error())
}

func (r *running) OK(key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Equal(r.t, "stream", key)
	r.oks++
}

func (r *running) observe(o Outcome, _ time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.outcomes = append(r.outcomes, o)
}

// failed waits until so many failures were reported and returns them.
func (r *running) failed(n int) []string {
	r.t.Helper()
	var got []string
	require.Eventually(r.t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		got = append([]string(nil), r.failures...)
		return len(got) >= n
	}, soon, time.Millisecond)
	return got
}

func (r *running) observed(n int) []Outcome {
	r.t.Helper()
	var got []Outcome
	require.Eventually(r.t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		got = append([]Outcome(nil), r.outcomes...)
		return len(got) >= n
	}, soon, time.Millisecond)
	return got
}

// run starts a Run against a gateway. It is stopped at the end of the test, and nothing it said may
// hold a secret.
func run(g *gateway, opts Options) *running {
	r := &running{t: g.t, ended: make(chan struct{}), logs: &buffer{}}
	opts.BaseURL, opts.ClientID, opts.ClientSecret, opts.UserAgent = g.URL, "client-id", secret, "rollcall/test"
	opts.Reporter, opts.Observe = r, r.observe
	opts.Logger = slog.New(slog.NewTextHandler(r.logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	if opts.Receiver == nil {
		opts.Receiver = receiver(func(context.Context, push.Push) error { return nil })
	}
	if opts.MinWait == 0 {
		opts.MinWait, opts.MaxWait = never, never
	}
	if opts.PingTimeout == 0 {
		opts.PingTimeout = soon // the machine may be slow
	}
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go func() {
		defer close(r.ended)
		assert.NoError(g.t, Run(ctx, opts))
	}()
	g.t.Cleanup(func() {
		r.stop()
		await(g.t, r.ended, "end of Run")
		r.mu.Lock()
		defer r.mu.Unlock()
		said := r.logs.String() + strings.Join(r.failures, "\n")
		for _, s := range []string{secret, ticket, "t1ck%2Bet", "2iPOw", "Ann"} {
			assert.NotContains(g.t, said, s)
		}
	})
	return r
}

// quick makes failures cost a test no time.
func quick(opts Options) Options {
	opts.MinWait, opts.MaxWait = time.Millisecond, 5*time.Millisecond
	return opts
}

var errStore = errors.New("no stream to store in")

// discard reads what is left of a request.
func discard(r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) }
