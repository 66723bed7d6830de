package streammode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/dingtalk/push"
	"github.com/c4342123/rollcall/internal/testing/pipe"
)

func TestOpen(t *testing.T) {
	g := newGateway(t)
	g.open = func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
		assert.Equal(t, "rollcall/test", r.UserAgent())
		g.grant(w)
	}
	r := run(g, Options{})
	g.next().ping()
	assert.Equal(t, openRequest{
		ClientID: "client-id", ClientSecret: secret, UserAgent: "rollcall/test",
		Subscriptions: []subscription{{Type: "EVENT", Topic: "*"}},
	}, await(t, g.opened, "call"))
	require.Eventually(t, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.oks == 1
	}, soon, time.Millisecond, "it is said that the connection works")
}

func TestReconnectsAtOnceAfterDisconnect(t *testing.T) {
	g, stuck := newGateway(t), newGate()
	r := run(g, Options{Receiver: stuck}) // a failure would be waited after for an hour
	first := g.next()
	first.event("m1", joined)
	await(t, stuck.entered, "push")
	first.disconnect()
	second := g.next()

	// The new connection works while the old one still waits for its push to be stored and
	// acknowledged.
	second.event("m2", joined)
	await(t, stuck.entered, "push")
	first.event("late", joined)
	assert.Equal(t, later("late"), first.ack())
	for range 5 {
		first.disconnect()
	}
	first.event("later", joined)
	assert.Equal(t, later("later"), first.ack())
	stuck.result <- nil
	stuck.result <- nil
	assert.Equal(t, success("m1"), first.ack())
	assert.Equal(t, success("m2"), second.ack())
	await(t, first.gone, "end of the old connection")
	second.ping()
	assert.Empty(t, r.failed(0), "that is no failure")
}

func TestDisconnectWithoutEndIsAFailure(t *testing.T) {
	g := newGateway(t)
	r := run(g, Options{})
	for range atOnceBurst + 1 {
		g.next().disconnect()
	}
	for len(r.failed(0)) == 0 { // one more is allowed when the machine has taken ten seconds so far
		select {
		case p := <-g.conns:
			p.disconnect()
		case <-time.After(time.Millisecond):
		}
	}
	assert.Equal(t, []string{errTooOften.Error()}, r.failed(1))
	assert.GreaterOrEqual(t, len(g.opened), atOnceBurst+1)
}

func TestReconnectsAfterFailures(t *testing.T) {
	for name, c := range map[string]struct {
		open func(g *gateway, w http.ResponseWriter)
		says string
	}{
		"wrong credentials": {func(_ *gateway, w http.ResponseWriter) {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprintf(w, `{"code":"authFailed","message":"no app\nwith %s"}`, secret)
		}, "open a stream connection: HTTP 401: authFailed: no app with [redacted]"},
		"an outage":    {func(_ *gateway, w http.ResponseWriter) { w.WriteHeader(http.StatusBadGateway) }, "HTTP 502"},
		"a block page": {func(_ *gateway, w http.ResponseWriter) { _, _ = fmt.Fprint(w, "<html>"+secret) }, "HTTP 200: the reply has no endpoint or no ticket: <html>[redacted]"},
		"no ticket":    {func(_ *gateway, w http.ResponseWriter) { _, _ = fmt.Fprint(w, `{"endpoint":"wss://x"}`) }, "no ticket"},
		"a null":       {func(_ *gateway, w http.ResponseWriter) { _, _ = fmt.Fprint(w, `null`) }, "no endpoint"},
		"a redirect": {func(_ *gateway, w http.ResponseWriter) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "HTTP 307"},
		"a reply without end": {func(_ *gateway, w http.ResponseWriter) {
			_, _ = fmt.Fprintf(w, `{"endpoint":%q}`, strings.Repeat("x", maxReply))
		}, "too large"},
		"an endpoint that is no address": {endpoint("ws://host:port/" + ticket), "invalid port"},
		"an endpoint of another kind":    {endpoint("https://host/"), "is not wss://host"},
		"an endpoint without a host":     {endpoint("wss:///connect"), "is not wss://host"},
		"nobody at the endpoint":         {endpoint("ws://127.0.0.1:1/connect"), "connection refused"},
		"no WebSocket at the endpoint": {func(g *gateway, w http.ResponseWriter) {
			endpoint("ws"+strings.TrimPrefix(g.URL, "http")+"/nothing")(g, w)
		}, "got 404"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			calls := 0
			g.open = func(w http.ResponseWriter, r *http.Request) {
				if calls++; calls > 3 {
					g.grant(w)
					return
				}
				discard(r)
				c.open(g, w)
			}
			r := run(g, quick(Options{}))
			g.next().ping()
			failures := r.failed(3)
			assert.Len(t, failures, 3)
			assert.Contains(t, failures[0], c.says)
			assert.Len(t, g.opened, 4)
		})
	}
}

func endpoint(address string) func(*gateway, http.ResponseWriter) {
	return func(_ *gateway, w http.ResponseWriter) {
		_ = json.NewEncoder(w).Encode(map[string]string{"endpoint": address, "ticket": ticket})
	}
}

func TestTheSecretFollowsNoRedirect(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { assert.Fail(t, "was followed") }))
	defer other.Close()
	g := newGateway(t)
	g.open = func(w http.ResponseWriter, r *http.Request) {
		discard(r)
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}
	run(g, Options{}).failed(1)
}

func TestAnEncryptedAPILeadsToNoPlainGateway(t *testing.T) {
	c := newClient(Options{BaseURL: "https://api.dingtalk.com"}.withDefaults())
	_, err := c.address(place{endpoint: "ws://wss-open-connection.dingtalk.com:443/connect", ticket: ticket})
	require.ErrorContains(t, err, "not encrypted")
	address, err := c.address(place{endpoint: "wss://wss-open-connection.dingtalk.com:443/connect", ticket: ticket})
	require.NoError(t, err)
	assert.Equal(t, "wss://wss-open-connection.dingtalk.com:443/connect?ticket=t1ck%2Bet%2Fof%3D90%26seconds", address)
}

func TestOverTLS(t *testing.T) {
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if assert.NoError(t, err) {
			_ = conn.Close(websocket.StatusNormalClosure, "")
		}
	}))
	defer srv.Close()
	c := newClient(Options{BaseURL: srv.URL, TLS: srv.Client().Transport.(*http.Transport).TLSClientConfig}.withDefaults())
	conn, _, err := websocket.Dial(t.Context(), srv.URL, &websocket.DialOptions{HTTPClient: c.http}) //nolint:bodyclose // never needs closing
	require.NoError(t, err)
	_ = conn.CloseNow()
}

func TestReconnectsWhenTheConnectionBreaks(t *testing.T) {
	for name, c := range map[string]struct {
		end  func(p *peer)
		says string
	}{
		"closed in order":      {func(p *peer) { go p.Close(websocket.StatusGoingAway, "restart of "+ticket) }, "restart of [redacted]"},
		"cut":                  {func(p *peer) { _ = p.CloseNow() }, "stream connection lost"},
		"a frame over 1 MiB":   {func(p *peer) { _ = p.Write(p.ctx, websocket.MessageText, make([]byte, maxFrame+2)) }, "stream connection lost"},
		"a frame without end":  {endless, "stream connection lost"},
		"a break of protocol":  {func(p *peer) { go p.Close(websocket.StatusProtocolError, "") }, "StatusProtocolError"},
		"while a push is held": {func(p *peer) { p.event("m1", joined); _ = p.CloseNow() }, "stream connection lost"},
	} {
		t.Run(name, func(t *testing.T) {
			g := newGateway(t)
			r := run(g, quick(Options{AckTimeout: 30 * time.Millisecond, Receiver: receiver(func(ctx context.Context, _ push.Push) error {
				<-ctx.Done()
				return nil
			})}))
			c.end(g.next())
			p := g.next()
			p.ping()
			assert.Contains(t, r.failed(1)[0], c.says)
		})
	}
}

// endless sends a frame for as long as it is taken.
func endless(p *peer) {
	w, err := p.Writer(p.ctx, websocket.MessageText)
	for err == nil {
		_, err = w.Write(make([]byte, 64<<10))
	}
}

// A peer that is there but says nothing, as after a cable was pulled: the gateway's end neither
// reads nor writes.
func TestHalfOpenConnectionIsNoticed(t *testing.T) {
	g := newGateway(t)
	silence := make(chan struct{})
	accepted := make(chan struct{}, 100)
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if !assert.NoError(t, err) {
			return
		}
		defer conn.CloseNow()
		accepted <- struct{}{}
		<-silence
	})
	mute := httptest.NewServer(mux)
	defer mute.Close()
	defer close(silence)
	calls := 0
	g.open = func(w http.ResponseWriter, _ *http.Request) {
		if calls++; calls == 1 {
			endpoint("ws"+strings.TrimPrefix(mute.URL, "http"))(g, w)
			return
		}
		g.grant(w)
	}
	r := run(g, quick(Options{PingInterval: 20 * time.Millisecond, PingTimeout: 300 * time.Millisecond}))
	await(t, accepted, "connection")
	g.next() // which may be as slow as the machine
	assert.Equal(t, errSilent.Error(), r.failed(1)[0])
}

// brokenWriter is a connection that can be made to take no more data, while reading from it just
// waits.
type brokenWriter struct {
	net.Conn
	broken atomic.Bool
}

func (b *brokenWriter) Write(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, errors.New("no buffer space available")
	}
	return b.Conn.Write(p)
}

func TestWhatCannotBeWrittenToIsLost(t *testing.T) {
	g := newGateway(t)
	conns := make(chan *brokenWriter, 2) // the API's and the gateway's
	c := newClient(Options{BaseURL: g.URL, ClientSecret: secret, UserAgent: "rollcall/test", PingInterval: 10 * time.Millisecond}.withDefaults())
	c.http = &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			b := &brokenWriter{Conn: conn}
			conns <- b
			return b, err
		},
	}}
	defer c.http.CloseIdleConnections()
	s, err := c.connect(t.Context())
	require.NoError(t, err)
	close(conns)
	for b := range conns {
		b.broken.Store(true)
	}
	require.ErrorContains(t, s.receive(t.Context()), "stream connection lost")
	s.leave()
}

// Not every gateway has to answer pings of the WebSocket: one that sends frames is alive, for as
// long as it does.
func TestSilentToPingsButAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		listener := pipe.Listen()
		g := newGatewayOn(t, listener)
		pinged := make(chan struct{}, 1000)
		g.accept.OnPingReceived = func(context.Context, []byte) bool {
			pinged <- struct{}{}
			return false
		}
		c := newClient(Options{
			BaseURL: g.URL, ClientSecret: secret, UserAgent: "rollcall/test", PingInterval: 20 * time.Second, PingTimeout: 5 * time.Second,
		}.withDefaults())
		c.http = &http.Client{Transport: &http.Transport{DialContext: listener.Dial}}
		defer c.http.CloseIdleConnections()
		s, err := c.connect(t.Context())
		require.NoError(t, err)
		over := make(chan error, 1)
		go func() { over <- s.receive(t.Context()) }()
		p := g.next()
		for range 4 {
			await(t, pinged, "ping")
			<-time.After(4 * time.Second)
			p.ping()
		}
		heard := time.Now()
		require.ErrorIs(t, <-over, errSilent)
		assert.Equal(t, 21*time.Second, time.Since(heard), "the next ping, and how long it may take to be answered")
		s.leave()
	})
}

func TestStopFinishesWhatIsUnderWay(t *testing.T) {
	g, stuck := newGateway(t), newGate()
	r := run(g, Options{Receiver: stuck})
	p := g.next()
	p.event("m1", joined)
	await(t, stuck.entered, "push")
	r.stop()
	// No longer taken, but answered, so that it goes to another replica. The stop may take a moment
	// to be noticed.
	require.Eventually(t, func() bool {
		p.eventOf("user_add_org", "m2", "{}")
		return p.ack() == later("m2")
	}, soon, time.Millisecond)
	select {
	case <-r.ended:
		require.FailNow(t, "ended with a push under way")
	default:
	}
	stuck.result <- nil
	assert.Equal(t, success("m1"), p.ack())
	await(t, r.ended, "end")
	await(t, p.gone, "end of the connection")
}

func TestStopIsSoon(t *testing.T) {
	t.Run("before a connection", func(t *testing.T) {
		g := newGateway(t)
		hold := make(chan struct{})
		g.open = func(_ http.ResponseWriter, r *http.Request) {
			discard(r)
			<-hold
		}
		defer close(hold)
		r := run(g, Options{})
		await(t, g.opened, "call")
		checkStop(t, r)
	})
	t.Run("while waiting after a failure", func(t *testing.T) {
		g := newGateway(t)
		g.open = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }
		r := run(g, Options{})
		r.failed(1)
		checkStop(t, r)
	})
	t.Run("with a receiver that waits for its context", func(t *testing.T) {
		g := newGateway(t)
		entered := make(chan struct{})
		r := run(g, Options{AckTimeout: 600 * time.Millisecond, Receiver: receiver(func(ctx context.Context, _ push.Push) error {
			close(entered)
			<-ctx.Done()
			return ctx.Err()
		})})
		g.next().event("m1", joined)
		await(t, entered, "push")
		checkStop(t, r)
	})
	t.Run("with a gateway that does not say goodbye", func(t *testing.T) {
		hold, connected := make(chan struct{}), make(chan struct{})
		mute := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{OnPingReceived: func(context.Context, []byte) bool {
				close(connected)
				<-hold
				return false
			}})
			if assert.NoError(t, err) {
				_, _, _ = conn.Read(context.Background())
				_ = conn.CloseNow()
			}
		}))
		defer mute.Close()
		defer close(hold)
		g := newGateway(t)
		g.open = func(w http.ResponseWriter, _ *http.Request) {
			endpoint("ws"+strings.TrimPrefix(mute.URL, "http"))(g, w)
		}
		r := run(g, Options{})
		await(t, connected, "ping")
		checkStop(t, r)
	})
}

func checkStop(t *testing.T, r *running) {
	t.Helper()
	r.stop()
	await(t, r.ended, "end")
	assert.LessOrEqual(t, len(r.failed(0)), 1, "a stop is no failure")
}

func TestWaitsGrowAndStartOver(t *testing.T) {
	c := newClient(Options{MinWait: time.Second, MaxWait: 8 * time.Second, HealthyAfter: time.Minute}.withDefaults())
	failure := errors.New("x")
	wait := func(lasted time.Duration, err error) time.Duration { return c.after(t.Context(), lasted, err) }
	between := func(d, low, high time.Duration) {
		t.Helper()
		assert.GreaterOrEqual(t, d, low)
		assert.LessOrEqual(t, d, high)
	}
	for _, base := range []time.Duration{1, 2, 4} {
		between(wait(time.Second, failure), base*time.Second/2, base*time.Second*3/2)
	}
	jittered := map[time.Duration]bool{}
	for range 20 {
		d := wait(59*time.Second, failure)
		between(d, 4*time.Second, 8*time.Second)
		jittered[d] = true
	}
	assert.Greater(t, len(jittered), 3, "no two replicas in step")
	between(wait(time.Minute, failure), time.Second/2, time.Second*3/2)

	assert.Zero(t, wait(0, errDisconnect))
	stopped, stop := context.WithCancel(t.Context())
	stop()
	assert.Zero(t, c.after(stopped, 0, failure))
}

func TestHowLongAConnectionLastedCounts(t *testing.T) {
	g := newGateway(t)
	const n = 20
	r := run(g, Options{MinWait: time.Millisecond, MaxWait: never, HealthyAfter: time.Nanosecond})
	for range n { // the last would be waited for for minutes without starting over
		_ = g.next().CloseNow()
	}
	r.failed(n)
}

func TestOptions(t *testing.T) {
	good := Options{ClientID: "id", ClientSecret: secret, Receiver: receiver(nil)}
	for name, c := range map[string]struct {
		change func(*Options)
		says   string
	}{
		"client id":         {func(o *Options) { o.ClientID = "" }, "ClientID"},
		"client secret":     {func(o *Options) { o.ClientSecret = "" }, "ClientSecret"},
		"receiver":          {func(o *Options) { o.Receiver = nil }, "Receiver"},
		"negative time":     {func(o *Options) { o.AckTimeout = -1 }, "AckTimeout -1ns"},
		"bounds":            {func(o *Options) { o.MaxWait = time.Millisecond }, "MaxWait"},
		"no URL":            {func(o *Options) { o.BaseURL = "http://a:b:c" }, "BaseURL"},
		"URL with password": {func(o *Options) { o.BaseURL = "https://u:" + secret + "@host" }, "user or password"},
		"another scheme":    {func(o *Options) { o.BaseURL = "wss://host" }, "BaseURL"},
		"URL with query":    {func(o *Options) { o.BaseURL = "https://host?x" }, "query"},
	} {
		o := good
		c.change(&o)
		err := Run(t.Context(), o)
		require.ErrorContains(t, err, c.says, name)
		assert.NotContains(t, err.Error(), secret)
	}
	stopped, stop := context.WithCancel(t.Context())
	stop()
	require.NoError(t, Run(stopped, good))
}

func TestZeroOptionsHaveDefaults(t *testing.T) {
	o := Options{}.withDefaults()
	assert.Equal(t, "https://api.dingtalk.com", o.BaseURL)
	assert.Equal(t, 3*time.Second, o.AckTimeout)
	o.Reporter.Failed("", nil)
	o.Reporter.OK("")
	o.Observe(Stored, 0)
	assert.Equal(t, "http://x/y", Options{BaseURL: "http://x/y/"}.withDefaults().BaseURL)
}
