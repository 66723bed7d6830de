package httpapi

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestMethods(t *testing.T) {
	for target, allow := range map[string]string{
		"/":              "GET, HEAD",
		"/livez":         "GET, HEAD",
		"/readyz":        "GET, HEAD",
		"/metrics":       "GET, HEAD",
		"/v1/meetings":   "GET, HEAD",
		"/v1/meetings/a": "DELETE, GET, HEAD, PUT",
	} {
		for _, method := range []string{
			http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete,
			http.MethodOptions, http.MethodTrace, "BREW",
		} {
			t.Run(method+" "+target, func(t *testing.T) {
				opts := Options{Meetings: table(state(t, "a", "")), Metrics: http.HandlerFunc(live)}
				resp := request(t, opts, method, target, "")
				if slices.Contains(strings.Split(allow, ", "), method) {
					assert.Less(t, resp.StatusCode, 300)
					assert.Empty(t, resp.Header.Get("Allow"))
					return
				}
				assert.Equal(t, allow, resp.Header.Get("Allow"))
				assert.Contains(t, problemOf(t, resp, http.StatusMethodNotAllowed), allow)
			})
		}
	}
}

// Every answer of an error is the API's own: none is the router's plain text or redirect.
func TestPathsThatAreNone(t *testing.T) {
	for _, target := range []string{
		"/nothing", "/v1", "/v1/", "/v2/meetings", "/livez/", "/livez/x", "/metrics", "/index.html", "/favicon.ico",
		"//", "//livez", "/v1//meetings", "/v1/meetings/", "/./livez", "/x/../livez", "/livez/.", "/v1/meetings/a/../b",
		"//evil.example/%2e%2e",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodOptions, http.MethodConnect} {
			t.Run(method+" "+target, func(t *testing.T) {
				resp := request(t, Options{Meetings: table()}, method, "/", "", func(r *http.Request) {
					u, err := url.ParseRequestURI(target) // as net/http reads a request line
					require.NoError(t, err)
					r.URL = u
				})
				problemOf(t, resp, http.StatusNotFound)
				assert.Empty(t, resp.Header.Get("Location"))
			})
		}
	}
}

func TestHeadIsGetWithoutABody(t *testing.T) {
	opts := Options{Meetings: table(state(t, "a", ""))}
	for _, target := range []string{"/livez", "/readyz", "/v1/meetings", "/v1/meetings/a", "/"} {
		get, head := request(t, opts, http.MethodGet, target, ""), request(t, opts, http.MethodHead, target, "")
		assert.Equal(t, http.StatusOK, head.StatusCode, target)
		assert.Equal(t, get.Header.Get("Content-Type"), head.Header.Get("Content-Type"), target)
	}
}

func TestAPanicIsAnsweredAndLogged(t *testing.T) {
	var log bytes.Buffer
	m := table()
	m.watch = func(context.Context, string, string) (bool, error) { panic("no such luck") }
	resp := request(t, Options{Meetings: m, Logger: slog.New(slog.NewTextHandler(&log, nil))}, http.MethodPut, "/v1/meetings/a", "")
	assert.NotContains(t, problemOf(t, resp, http.StatusInternalServerError), "luck")
	assert.Contains(t, log.String(), "level=ERROR")
	assert.Contains(t, log.String(), "no such luck")
	assert.Contains(t, log.String(), "routes_test.go")

	m.watch = func(context.Context, string, string) (bool, error) { panic(http.ErrAbortHandler) }
	assert.PanicsWithValue(t, http.ErrAbortHandler, func() {
		request(t, Options{Meetings: m}, http.MethodPut, "/v1/meetings/a", "")
	})
}

func TestMetricsAreOpenToAll(t *testing.T) {
	metrics := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("rollcall_ready 1\n")) })
	resp := request(t, Options{Meetings: table(), Access: withToken(t, "secret"), Metrics: metrics}, http.MethodGet, "/metrics", "",
		func(r *http.Request) { r.RemoteAddr = "192.0.2.1:4711" })
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "rollcall_ready 1\n", bodyOf(t, resp))
}

func TestBeforeTheServiceIsReady(t *testing.T) {
	ready := make(chan struct{})
	opts := Options{
		Meetings: table(state(t, "a", "")), Past: &fakePast{}, Ready: ready,
		NotReady: func() error { return errors.New("waits for NATS") },
	}
	for _, target := range []string{"/v1/meetings", "/v1/meetings?state=ended", "/v1/meetings/a", "/v1/meetings/a/report"} {
		assert.Equal(t, "waits for NATS", problemOf(t, request(t, opts, http.MethodGet, target, ""), http.StatusServiceUnavailable), target)
	}
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		assert.Equal(t, "waits for NATS", problemOf(t, request(t, opts, method, "/v1/meetings/a", ""), http.StatusServiceUnavailable), method)
	}
	problemOf(t, request(t, opts, http.MethodGet, "/v1/events", ""), http.StatusServiceUnavailable)
	problemOf(t, request(t, opts, http.MethodGet, "/v1/meetings/a.b", ""), http.StatusBadRequest)
	close(ready)
	assert.Equal(t, http.StatusOK, request(t, opts, http.MethodGet, "/v1/meetings/a", "").StatusCode)
}
