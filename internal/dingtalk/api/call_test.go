package api

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"github.com/c4342123/rollcall/poller"
)

var _ Limiter = (*rate.Limiter)(nil)

// reset breaks the connection off without a reply.
func reset(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }

// cutShort promises a body and breaks off in the middle.
func cutShort(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	writeJSON(w, http.StatusOK, `{"memberModels":[`)
	panic(http.ErrAbortHandler)
}

// hang answers only when the client has given up. The server notices that once the request has been
// read.
func hang(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// trickle sends the head and then nothing.
func trickle(w http.ResponseWriter, r *http.Request) {
	writeJSON(w, http.StatusOK, "{")
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}

func TestQuickRetries(t *testing.T) {
	list := answer(200, string(memberPage(0, 1, "", 1)))
	broken := answer(500, `{"code":"systemError"}`)
	cases := map[string]struct {
		looks []http.HandlerFunc
		kind  Kind // of the error, when it does not get well
		fails bool
		calls int
	}{
		"reset once":          {[]http.HandlerFunc{reset, list}, 0, false, 2},
		"cut short once":      {[]http.HandlerFunc{cutShort, list}, 0, false, 2},
		"500 twice":           {[]http.HandlerFunc{broken, broken, list}, 0, false, 3},
		"time-out once":       {[]http.HandlerFunc{hang, list}, 0, false, 2},
		"time-out in a body":  {[]http.HandlerFunc{trickle, list}, 0, false, 2},
		"cut short for ever":  {[]http.HandlerFunc{cutShort}, KindNetwork, true, 3},
		"500 for ever":        {[]http.HandlerFunc{broken}, KindServer, true, 3},
		"throttled":           {[]http.HandlerFunc{answer(403, `{"code":"QpsLimitForApi"}`), list}, KindThrottled, true, 1},
		"time-outs for ever":  {[]http.HandlerFunc{hang}, KindTimeout, true, 3},
		"one after the other": {[]http.HandlerFunc{cutShort, broken, hang, list}, KindTimeout, true, 3},
	}
	for name, c := range cases {
		t.Run(name, timeless(func(t *testing.T) {
			u := newPipedUpstream(t)
			u.members(script(c.looks...))
			var waits countingLimiter
			client := u.client(t, func(o *Options) { o.Timeout = 150 * time.Millisecond; o.Limiter = &waits })
			_, err := client.Members(t.Context(), "m")
			if c.fails {
				var e *Error
				require.ErrorAs(t, err, &e)
				assert.Equal(t, c.kind.String(), e.Kind.String())
				trouble(t, err)
			} else {
				require.NoError(t, err)
			}
			assert.Len(t, u.seen(), c.calls)
			assert.EqualValues(t, c.calls, waits.n.Load(), "the rate is waited on before every API call, and no other")
			assert.EqualValues(t, c.calls-1, client.Stats().Retries)
			require.Len(t, waits.told, c.calls, "it is told of each")
			for i, told := range waits.told {
				if i == c.calls-1 && !c.fails {
					assert.NoError(t, told)
					continue
				}
				var source *poller.SourceError
				require.ErrorAs(t, told, &source)
				assert.Equal(t, c.kind == KindThrottled, source.Trouble == poller.Throttled)
			}
		}))
	}
}

func TestNobodyListens(t *testing.T) {
	u := newUpstream(t)
	c := u.client(t, func(o *Options) { o.AppKey, o.AppSecret, o.AccessToken = "", "", testToken })
	u.Close()
	_, err := c.Members(t.Context(), "m")
	var e *Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, KindNetwork, e.Kind)
	assert.Zero(t, e.Status)
	assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble)
	assert.EqualValues(t, maxRetries, c.Stats().Retries)
}

func TestRetriesOfALongListAreBounded(t *testing.T) {
	u := newUpstream(t)
	n := 0
	u.members(func(w http.ResponseWriter, _ *http.Request) {
		if n++; n%2 == 1 {
			writeJSON(w, 500, `{"code":"systemError"}`)
			return
		}
		writeJSON(w, 200, `{"memberModels":[{"unionId":"u`+strconv.Itoa(n)+`"}],"nextToken":"`+strconv.Itoa(n)+`"}`)
	})
	c := u.client(t)
	_, err := c.Members(t.Context(), "m")
	require.Error(t, err)
	assert.EqualValues(t, maxCallRetries, c.Stats().Retries)
}

// countingLimiter counts what it lets through, and keeps what became of it.
type countingLimiter struct {
	n    atomic.Int64
	mu   sync.Mutex
	told []error
}

func (l *countingLimiter) Wait(ctx context.Context) error { l.n.Add(1); return ctx.Err() }

func (l *countingLimiter) Observe(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = append(l.told, err)
}

type refusingLimiter struct{ err error }

func (l refusingLimiter) Wait(context.Context) error { return l.err }

func TestTheLimiterHasTheLastWord(t *testing.T) {
	u := newUpstream(t)
	own := errors.New("would exceed the deadline")
	_, err := u.client(t, func(o *Options) { o.Limiter = refusingLimiter{own} }).Members(t.Context(), "m")
	require.ErrorIs(t, err, own)
	var told *poller.SourceError
	require.NotErrorAs(t, err, &told, "nothing is wrong upstream")

	spent := &poller.SourceError{Trouble: poller.Exhausted, Wait: time.Hour, Err: errors.New("the month's budget is spent")}
	_, err = u.client(t, func(o *Options) { o.Limiter = refusingLimiter{spent} }).Members(t.Context(), "m")
	assert.Equal(t, spent, err)
	assert.Empty(t, u.seen())
}

func TestAContextThatEnds(t *testing.T) {
	t.Run("cancelled", func(t *testing.T) {
		u := newUpstream(t)
		ctx, cancel := context.WithCancel(t.Context())
		u.members(func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
		_, err := u.client(t).Members(ctx, "m")
		require.ErrorIs(t, err, context.Canceled)
		var told *poller.SourceError
		require.NotErrorAs(t, err, &told, "nothing is wrong upstream")
	})
	t.Run("deadline", timeless(func(t *testing.T) {
		u := newPipedUpstream(t)
		u.members(hang)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		_, err := u.client(t).Members(ctx, "m")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble)
		assert.Len(t, u.seen(), 1)
	}))
	t.Run("too soon for a retry", func(t *testing.T) {
		u := newUpstream(t)
		u.members(answer(500, `{"code":"systemError"}`))
		c := u.client(t)
		c.retryPause = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		_, err := c.Members(ctx, "m")
		var e *Error
		require.ErrorAs(t, err, &e)
		assert.Equal(t, KindServer, e.Kind, "the failure itself, not the lack of time")
	})
	t.Run("during the pause", func(t *testing.T) {
		u := newUpstream(t)
		ctx, cancel := context.WithCancel(t.Context())
		u.members(answer(500, `{"code":"systemError"}`))
		c := u.client(t, func(o *Options) { o.Limiter = &cancelAtSecond{cancel: cancel} })
		_, err := c.Members(ctx, "m")
		require.Error(t, err)
		assert.Len(t, u.seen(), 1)
	})
}

// cancelAtSecond ends the caller's context when a retry comes to the limiter.
type cancelAtSecond struct {
	n      int
	cancel context.CancelFunc
}

func (l *cancelAtSecond) Wait(ctx context.Context) error {
	if l.n++; l.n == 2 {
		l.cancel()
	}
	return ctx.Err()
}

func TestARefusedTokenIsRenewedOnce(t *testing.T) {
	refusal := answer(400, `{"code":"InvalidAuthentication","message":"token `+testToken+`-1 is invalid"}`)
	list := answer(200, string(memberPage(0, 1, "", 1)))
	cases := map[string]struct {
		looks  []http.HandlerFunc
		fails  bool
		calls  int
		tokens int
	}{
		"400":            {[]http.HandlerFunc{refusal, list}, false, 2, 2},
		"401":            {[]http.HandlerFunc{answer(401, `{}`), list}, false, 2, 2},
		"401 page":       {[]http.HandlerFunc{failure{status: 401, kind: "text/html"}.serve, list}, false, 2, 2},
		"200":            {[]http.HandlerFunc{answer(200, `{"code":"InvalidAuthentication"}`), list}, false, 2, 2},
		"old API":        {[]http.HandlerFunc{answer(200, `{"errcode":40014,"errmsg":"不合法的access_token"}`), list}, false, 2, 2},
		"expired":        {[]http.HandlerFunc{answer(200, `{"errcode":"42001","errmsg":"access_token超时"}`), list}, false, 2, 2},
		"gateway":        {[]http.HandlerFunc{answer(200, `{"errcode":88,"sub_code":"40014","errmsg":"ding talk error"}`), list}, false, 2, 2},
		"with a list":    {[]http.HandlerFunc{answer(200, `{"errcode":40014,"memberModels":[],"totalCount":0}`), list}, false, 2, 2},
		"old, for ever":  {[]http.HandlerFunc{answer(200, `{"errcode":" 40014 "}`)}, true, 2, 2},
		"for ever":       {[]http.HandlerFunc{refusal}, true, 2, 2},
		"and then a 500": {[]http.HandlerFunc{refusal, answer(500, `{}`), list}, false, 3, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(script(c.looks...))
			_, err := u.client(t).Members(t.Context(), "m")
			if c.fails {
				assert.Equal(t, poller.Unavailable, trouble(t, err).Trouble)
				assert.NotContains(t, err.Error(), testToken)
			} else {
				require.NoError(t, err)
			}
			calls := u.seen()
			require.Len(t, calls, c.calls)
			assert.Equal(t, c.tokens, u.tokensGiven())
			assert.Equal(t, testToken+"-2", calls[len(calls)-1].Header.Get("x-acs-dingtalk-access-token"))
		})
	}
}

// TestNothingIsKeptOfARefusedPage, whatever else it holds: it is asked for again.
func TestNothingIsKeptOfARefusedPage(t *testing.T) {
	u := newUpstream(t)
	u.members(script(answer(200, string(memberPage(0, 2, "next", 3))),
		answer(200, `{"memberModels":[{"unionId":"x"},null],"totalCount":9,"nextToken":"y","errcode":42001}`),
		answer(200, string(memberPage(2, 1, "", 3)))))
	list, err := u.client(t).Members(t.Context(), "m")
	require.NoError(t, err)
	assert.Len(t, list.Rows, 3)
	assert.True(t, list.Certain)
	assert.Len(t, u.seen(), 3)
}

// refusingTheFirst serves a list, but not with the first token: it calls refuse first, and refuses.
func refusingTheFirst(refuse func()) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("x-acs-dingtalk-access-token") == testToken+"-1" {
			refuse()
			writeJSON(w, 400, `{"code":"InvalidAuthentication"}`)
			return
		}
		writeJSON(w, 200, string(memberPage(0, 1, "", 1)))
	}
}

// readTogether has so many callers read a list at the same time.
func readTogether(t *testing.T, c *Client, callers int) {
	var wg sync.WaitGroup
	for range callers {
		wg.Go(func() {
			_, err := c.Members(t.Context(), "m")
			assert.NoError(t, err)
		})
	}
	wg.Wait()
}

func TestATokenThatEveryCallIsRefusedWithIsRenewedOnce(t *testing.T) {
	u := newUpstream(t)
	const callers = 20
	var met sync.WaitGroup // all callers are refused before one is answered
	met.Add(callers)
	u.members(refusingTheFirst(func() { met.Done(); met.Wait() }))
	c := u.client(t)
	readTogether(t, c, callers)
	assert.Equal(t, 2, u.tokensGiven())
	assert.Len(t, u.seen(), 2*callers)
}

// TestATokenIsRefusedOnlyToThoseUnderWay: calls wait for the rate, and those that wait while a
// token is refused do not go out with it.
func TestATokenIsRefusedOnlyToThoseUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newPipedUpstream(t)
		u.members(refusingTheFirst(func() {}))
		c := u.client(t, func(o *Options) { o.Limiter = rate.NewLimiter(1, 1) })
		const callers = 20
		readTogether(t, c, callers)
		assert.Equal(t, 2, u.tokensGiven())
		assert.Len(t, u.seen(), callers+1)
	})
}

func TestAFixedTokenIsNeverRefreshed(t *testing.T) {
	u := newUpstream(t)
	u.members(answer(400, `{"code":"InvalidAuthentication"}`))
	c := u.client(t, func(o *Options) { o.AppKey, o.AppSecret, o.AccessToken = "", "", testToken })
	_, err := c.Members(t.Context(), "m")
	require.ErrorContains(t, err, "a fixed access token is never refreshed")
	assert.Equal(t, poller.Denied, trouble(t, err).Trouble)
	assert.Len(t, u.seen(), 1)
	assert.Zero(t, u.tokensGiven())
}

func TestNoRedirectIsFollowed(t *testing.T) {
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		t.Error("the other host was asked")
	}))
	defer other.Close()
	u := newBareUpstream(t)
	u.mux.Handle("/", http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	fixed := u.client(t, func(o *Options) { o.AppKey, o.AppSecret, o.AccessToken = "", "", testToken })
	_, err := fixed.Members(t.Context(), "m")
	require.ErrorContains(t, err, "which is not followed")
	require.ErrorContains(t, u.client(t).CheckToken(t.Context()), "which is not followed")
}

func TestConnectionsAreReused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		u := newPipedUpstream(t)
		u.members(script(
			answer(200, string(memberPage(0, 500, "", 500))), answer(500, `{"code":"systemError"}`),
			answer(404, `{"code":"roomNotFound"}`), failure{status: 403, kind: "text/html", body: "<html>"}.serve,
			answer(200, string(memberPage(0, 1, "", 1))),
		))
		connections, dial := 0, u.dial
		u.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			connections++
			return dial(ctx, network, address)
		}
		c := u.client(t)
		for range 5 {
			_, _ = c.Members(t.Context(), "m")
		}
		assert.Len(t, u.seen(), 6, "one is tried again")
		assert.Equal(t, 1, connections)
	})
}

func TestHTTP1OverTLS(t *testing.T) {
	var proto string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto = r.Proto
		writeJSON(w, 200, string(memberPage(0, 1, "", 1)))
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it tells of the stranger below
	server.StartTLS()
	defer server.Close()
	c, err := New(Options{BaseURL: server.URL, AccessToken: testToken, TLS: trust(server)})
	require.NoError(t, err)
	defer c.Close()
	_, err = c.Members(t.Context(), "m")
	require.NoError(t, err)
	assert.Equal(t, "HTTP/1.1", proto)

	stranger, err := New(Options{BaseURL: server.URL, AccessToken: testToken})
	require.NoError(t, err)
	defer stranger.Close()
	stranger.retryPause = time.Millisecond
	_, err = stranger.Members(t.Context(), "m")
	require.ErrorContains(t, err, "certificate")
}

// TestAListIsOneWhateverIsAroundIt: the body decides, as with the official SDK.
func TestAListIsOneWhateverIsAroundIt(t *testing.T) {
	page := string(memberPage(0, 2, "", 2))
	for name, f := range map[string]failure{
		"called HTML":                 {status: 200, kind: "text/html; charset=utf-8", body: page},
		"called a script":             {status: 200, kind: "application/javascript", body: page},
		"of a proxy":                  {status: 203, body: page},
		"201":                         {status: 201, body: page},
		"with a byte order mark":      {status: 200, body: "\ufeff" + page},
		"with a code that says it is": {status: 200, body: `{"code":"0","message":"ok",` + page[1:]},
		"nobody, and it is well":      {status: 200, body: `{"code":"200","success":true,"memberModels":[],"totalCount":0}`},
		"people, and an odd code":     {status: 200, body: `{"code":"A17",` + page[1:]},
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t)
			u.members(f.serve)
			list, err := u.client(t).Members(t.Context(), "m")
			require.NoError(t, err)
			assert.True(t, list.Certain)
		})
	}
}
