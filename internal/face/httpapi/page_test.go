package httpapi

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/face/page"
)

func TestPage(t *testing.T) {
	resp := request(t, Options{Meetings: table()}, http.MethodGet, "/", "")
	body := bodyOf(t, resp)
	require.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "text/html; charset=utf-8", resp.Header.Get("Content-Type"))
	assert.Contains(t, body, `src="assets/app.js"`)
	for _, name := range page.Names() {
		file := request(t, Options{Meetings: table()}, http.MethodGet, "/assets/"+name, "")
		require.Equal(t, http.StatusOK, file.StatusCode, name)
		tag := file.Header.Get("ETag")
		text := bodyOf(t, file)
		again := request(t, Options{Meetings: table()}, http.MethodGet, "/assets/"+name, "", func(r *http.Request) {
			r.Header.Set("If-None-Match", tag)
		})
		assert.Equal(t, http.StatusNotModified, again.StatusCode, name)
		if name != "preact.js" { // which uses the name that we refuse
			for _, way := range []string{"innerHTML", "InnerHTML", "insertAdjacentHTML", "document.write", "eval("} {
				assert.False(t, strings.Contains(text, way), "%s: what comes from outside is no markup: %s", name, way)
			}
		}
	}
	problemOf(t, request(t, Options{Meetings: table()}, http.MethodGet, "/assets/none.js", ""), http.StatusNotFound)
	problemOf(t, request(t, Options{Meetings: table()}, http.MethodGet, "/assets/", ""), http.StatusNotFound)
}

// The page can load and ask nothing but its own service, and has neither code nor style within its
// markup.
func TestPageIsHarmless(t *testing.T) {
	for _, target := range []string{"/", "/assets/app.js"} {
		policy := request(t, Options{Meetings: table()}, http.MethodGet, target, "").Header.Get("Content-Security-Policy")
		assert.Contains(t, policy, "default-src 'none'")
		assert.Contains(t, policy, "frame-ancestors 'none'")
		assert.NotContains(t, policy, "unsafe")
		assert.NotContains(t, policy, "http")
	}
	body := bodyOf(t, request(t, Options{Meetings: table()}, http.MethodGet, "/", ""))
	assert.NotContains(t, body, "style=")
	assert.NotContains(t, body, "<style")
	assert.NotContains(t, body, "onclick")
	assert.Equal(t, 1, strings.Count(body, "<script"))
}

// With a token set, a browser gets the page, so that it can ask for the token; what the page shows,
// it does not.
func TestThePageAsksForTheToken(t *testing.T) {
	h := Handler(Options{Meetings: table(), Access: withToken(t, apiToken)})
	assert.Equal(t, http.StatusOK, ask(t, h, http.MethodGet, "/", "").StatusCode)
	assert.Equal(t, http.StatusOK, ask(t, h, http.MethodGet, "/assets/app.js", "").StatusCode)
	problemOf(t, ask(t, h, http.MethodGet, "/v1/meetings", ""), http.StatusUnauthorized)
	problemOf(t, ask(t, Handler(Options{Meetings: table()}), http.MethodGet, "/", ""), http.StatusForbidden)
}
