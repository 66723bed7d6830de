package httpapi

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/face/access"
)

const apiToken = "s3cret-T0ken"

// ask asks a handler, which remembers wrong tokens, as a browser elsewhere does.
func ask(t *testing.T, h http.Handler, method, target, body string, change ...func(*http.Request)) *http.Response {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	r.Host, r.RemoteAddr = "rollcall.example", "192.0.2.1:50000"
	for _, f := range change {
		f(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	resp := w.Result()
	conforms(t, r, resp)
	return resp
}

func cookieOf(t *testing.T, resp *http.Response) *http.Cookie {
	t.Helper()
	require.Equal(t, http.StatusNoContent, resp.StatusCode)
	require.Len(t, resp.Cookies(), 1)
	return resp.Cookies()[0]
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestLogIn(t *testing.T) {
	sessions := &memory{}
	h := Handler(Options{Meetings: table(state(t, "a", "")), Access: withKeys(t, apiToken, "", sessions)})
	cookie := cookieOf(t, ask(t, h, http.MethodPost, "/login", `{"token": " s3cret-T0ken "}`))
	assert.True(t, cookie.HttpOnly)
	assert.Equal(t, http.SameSiteStrictMode, cookie.SameSite)
	assert.Empty(t, cookie.Path, "it is sent where the page is")
	assert.Positive(t, cookie.MaxAge)
	assert.False(t, cookie.Secure)
	assert.NotContains(t, cookie.Value, apiToken)

	with := func(value string) func(*http.Request) {
		return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookie.Name, Value: value}) }
	}
	stands := func(h http.Handler, change ...func(*http.Request)) string {
		return bodyOf(t, ask(t, h, http.MethodGet, "/login", "", change...))
	}
	assert.JSONEq(t, `{"required": false, "loggedIn": false}`, stands(Handler(Options{Meetings: table()})))
	assert.JSONEq(t, `{"required": true, "loggedIn": false}`, stands(h))
	assert.JSONEq(t, `{"required": true, "loggedIn": true, "name": "default", "scopes": ["admin"]}`, stands(h, with(cookie.Value)))
	for _, req := range guarded {
		assert.Less(t, ask(t, h, req[0], req[1], "", with(cookie.Value)).StatusCode, 300, req)
		problemOf(t, ask(t, h, req[0], req[1], "", with(cookie.Value+"x")), http.StatusUnauthorized)
		problemOf(t, ask(t, h, req[0], req[1], "", with("")), http.StatusUnauthorized)
	}
	// Another replica knows the session; with another token there is none.
	same := Handler(Options{Meetings: table(), Access: withKeys(t, apiToken, "", sessions)})
	other := Handler(Options{Meetings: table(), Access: withKeys(t, "other", "", sessions)})
	assert.Equal(t, http.StatusOK, ask(t, same, http.MethodGet, "/v1/meetings", "", with(cookie.Value)).StatusCode)
	problemOf(t, ask(t, other, http.MethodGet, "/v1/meetings", "", with(cookie.Value)), http.StatusUnauthorized)

	out := cookieOf(t, ask(t, h, http.MethodDelete, "/login", "", with(cookie.Value)))
	assert.Negative(t, out.MaxAge)
	assert.Empty(t, out.Value)
	for _, replica := range []http.Handler{h, same} {
		problemOf(t, ask(t, replica, http.MethodGet, "/v1/meetings", "", with(cookie.Value)), http.StatusUnauthorized)
	}
	assert.Negative(t, cookieOf(t, ask(t, h, http.MethodDelete, "/login", "")).MaxAge, "who is logged out can log out")
}

func TestSessionsThatCannotBeRead(t *testing.T) {
	sessions := &memory{err: errors.New("NATS is away")}
	h := Handler(Options{Meetings: table(), Access: withKeys(t, apiToken, "", sessions)})
	with := header("Cookie", sessionCookie+"=x")
	for _, req := range [][3]string{
		{http.MethodPost, "/login", `{"token": "` + apiToken + `"}`}, {http.MethodDelete, "/login"}, {http.MethodGet, "/login"}, {http.MethodGet, "/v1/meetings"},
	} {
		problemOf(t, ask(t, h, req[0], req[1], req[2], with), http.StatusServiceUnavailable)
	}
	resp := ask(t, h, http.MethodGet, "/v1/meetings", "", with, header("Authorization", "Bearer "+apiToken))
	assert.Equal(t, http.StatusOK, resp.StatusCode, "the token counts by itself")
}

func TestASecureCookie(t *testing.T) {
	h := Handler(Options{Meetings: table(), Access: withToken(t, apiToken)})
	resp := ask(t, h, http.MethodPost, "/login", `{"token": "s3cret-T0ken"}`, header("X-Forwarded-Proto", "https"))
	assert.True(t, cookieOf(t, resp).Secure)
}

func TestLogInRefused(t *testing.T) {
	opts := Options{Meetings: table(), Access: withToken(t, apiToken)}
	for name, c := range map[string]struct {
		body   string
		change func(*http.Request)
		token  string
		status int
	}{
		"a wrong token":         {`{"token": "s3cret"}`, header("Accept", "*/*"), apiToken, http.StatusUnauthorized},
		"no token":              {`{}`, header("Accept", "*/*"), apiToken, http.StatusUnauthorized},
		"no JSON":               {`token=s3cret-T0ken`, header("Accept", "*/*"), apiToken, http.StatusBadRequest},
		"far too much":          {`{"token": "` + strings.Repeat("x", maxBody) + `"}`, header("Accept", "*/*"), apiToken, http.StatusBadRequest},
		"another site's page":   {`{"token": "s3cret-T0ken"}`, header("Sec-Fetch-Site", "cross-site"), apiToken, http.StatusForbidden},
		"nothing to log in to":  {`{"token": ""}`, header("Accept", "*/*"), "", http.StatusNotFound},
		"another site's script": {`{"token": "s3cret-T0ken"}`, header("Origin", "https://evil.example"), apiToken, http.StatusForbidden},
	} {
		t.Run(name, func(t *testing.T) {
			opts.Access = withToken(t, c.token)
			resp := ask(t, Handler(opts), http.MethodPost, "/login", c.body, c.change)
			assert.Empty(t, resp.Cookies())
			assert.NotContains(t, problemOf(t, resp, c.status), apiToken)
		})
	}
	problemOf(t, ask(t, Handler(opts), http.MethodDelete, "/login", "", header("Sec-Fetch-Site", "cross-site")), http.StatusForbidden)
}

// Ten wrong tokens of an address in a minute are told so; more have to wait. The right one never
// has to, and neither does another address.
func TestGuessing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		doors := withToken(t, apiToken)
		h := Handler(Options{Meetings: table(), Access: doors})
		wrong := func(from string) int {
			a := ask(t, h, http.MethodPost, "/login", `{"token": "guess"}`, func(r *http.Request) { r.RemoteAddr = from })
			b := ask(t, h, http.MethodGet, "/v1/meetings", "", header("Authorization", "Bearer guess"), func(r *http.Request) { r.RemoteAddr = from })
			assert.Equal(t, a.StatusCode, b.StatusCode)
			if a.StatusCode == http.StatusTooManyRequests {
				assert.NotEmpty(t, a.Header.Get("Retry-After"))
			}
			return b.StatusCode
		}
		for range 5 {
			assert.Equal(t, http.StatusUnauthorized, wrong("192.0.2.1:1"))
		}
		assert.Equal(t, http.StatusTooManyRequests, wrong("192.0.2.1:2"))
		assert.Equal(t, http.StatusUnauthorized, wrong("192.0.2.2:1"), "another address")
		resp := ask(t, h, http.MethodGet, "/v1/meetings", "", header("Authorization", "Bearer "+apiToken))
		assert.Equal(t, http.StatusOK, resp.StatusCode, "the right one is let in")
		assert.Equal(t, http.StatusNoContent, ask(t, h, http.MethodPost, "/login", `{"token": "`+apiToken+`"}`).StatusCode)
		time.Sleep(time.Minute)
		assert.Equal(t, http.StatusUnauthorized, wrong("192.0.2.1:3"))

		counted := map[string]uint64{}
		doors.Failures.Each(func(way access.Failure, count uint64) { counted[way.String()] = count })
		assert.Equal(t, map[string]uint64{"token": 7, "login": 7, "limited": 2, "session": 0, "oidc": 0, "scope": 0}, counted)
	})
}
