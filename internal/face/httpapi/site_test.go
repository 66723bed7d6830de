package httpapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

func headers(of map[string]string) func(*http.Request) {
	return func(r *http.Request) {
		for name, value := range of {
			r.Header.Set(name, value)
		}
	}
}

// A browser sends its cookie with what other sites' pages make it ask for, too, and reaches a
// service on this machine that wants none.
func TestOtherSitesAreRefused(t *testing.T) {
	link := map[string]string{"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
	h := Handler(Options{Meetings: table(state(t, "a", "")), Access: withToken(t, apiToken)})
	cookie := cookieOf(t, ask(t, h, http.MethodPost, "/login", `{"token": "s3cret-T0ken"}`))
	for _, site := range []string{"cross-site", "same-site", "of-the-future"} {
		for _, req := range append(guarded, [2]string{http.MethodGet, "/login"}, [2]string{http.MethodPost, "/login"}, [2]string{http.MethodDelete, "/login"}) {
			open := Handler(Options{Meetings: table(state(t, "a", ""))})
			problemOf(t, ask(t, open, req[0], req[1], "", nearby, headers(link), header("Sec-Fetch-Site", site)), http.StatusForbidden)
			withCookie := func(r *http.Request) { r.AddCookie(cookie) }
			problemOf(t, ask(t, h, req[0], req[1], "", withCookie, header("Sec-Fetch-Site", site)), http.StatusForbidden)
			withToken := header("Authorization", "Bearer "+apiToken)
			problemOf(t, ask(t, h, req[0], req[1], "", withToken, header("Sec-Fetch-Site", site)), http.StatusForbidden)
		}
	}
	for _, site := range []string{"none", "same-origin"} {
		for _, req := range guarded {
			resp := ask(t, Handler(Options{Meetings: table(state(t, "a", ""))}), req[0], req[1], "", nearby, header("Sec-Fetch-Site", site))
			assert.Less(t, resp.StatusCode, 300)
		}
	}
}

// What is open to all, what is not there, and methods that a path does not know are below /v1, too.
func TestOtherSitesAreRefusedWhateverTheyAskFor(t *testing.T) {
	opts := Options{Meetings: table(), Access: withToken(t, apiToken), Keys: fakeKeys(func() ([]Key, error) { return nil, nil }), Audit: &notes{}}
	for _, site := range []string{"cross-site", "same-site"} {
		for _, req := range [][2]string{
			{http.MethodGet, "/v1/keys"},
			{http.MethodGet, "/v1/checkpoint"},
			{http.MethodGet, "/v1/nothing"},
			{http.MethodGet, "/v1/"},
			{http.MethodOptions, "/v1/meetings"},
			{http.MethodPatch, "/v1/meetings/a"},
			{http.MethodPut, "/login"},
			{http.MethodOptions, "/login"},
			{http.MethodPost, "/login/oidc"},
			{http.MethodGet, "/login/nothing"},
			{http.MethodGet, "/login/oidc"},
		} {
			resp := ask(t, Handler(opts), req[0], req[1], "", header("Authorization", "Bearer "+apiToken), header("Sec-Fetch-Site", site))
			problemOf(t, resp, http.StatusForbidden)
		}
		// They may send a browser to what is shown as a page.
		link := headers(map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"})
		problemOf(t, ask(t, Handler(opts), http.MethodGet, "/login/oidc/callback", "", link), http.StatusNotFound)
	}
}

func TestABrowserThatSaysLittle(t *testing.T) {
	h := Handler(Options{Meetings: table(state(t, "a", "")), Access: withToken(t, apiToken)})
	for origin, status := range map[string]int{"https://evil.example": http.StatusForbidden, "http://rollcall.example": http.StatusCreated} {
		resp := ask(t, h, http.MethodPut, "/v1/meetings/b", "", header("Origin", origin), header("Authorization", "Bearer "+apiToken))
		assert.Equal(t, status, resp.StatusCode, origin)
	}
}

func TestOtherSitesMayLinkToThePage(t *testing.T) {
	for name, c := range map[string]struct {
		asks   map[string]string
		status int
	}{
		"a link":     {map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusOK},
		"a frame":    {map[string]string{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"}, http.StatusForbidden},
		"a script":   {map[string]string{"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, http.StatusForbidden},
		"the page":   {map[string]string{"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, http.StatusOK},
		"the person": {map[string]string{"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}, http.StatusOK},
	} {
		for _, token := range []string{"", apiToken} {
			resp := ask(t, Handler(Options{Meetings: table(), Access: withToken(t, token)}), http.MethodGet, "/", "", nearby, headers(c.asks))
			assert.Equal(t, c.status, resp.StatusCode, name)
			assert.Equal(t, "same-origin", resp.Header.Get("Cross-Origin-Resource-Policy"), name)
		}
	}
}

// nearby makes a request one of this machine.
func nearby(r *http.Request) { r.Host, r.RemoteAddr = "127.0.0.1:8080", "127.0.0.1:50000" }
