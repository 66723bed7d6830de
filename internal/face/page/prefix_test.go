package page_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"

	"github.com/chromedp/chromedp/kb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// behind is a proxy that shows a service under the path /rollcall, which it takes off; with says,
// it says so.
func behind(t *testing.T, service string, says bool) string {
	t.Helper()
	target, err := url.Parse(service)
	require.NoError(t, err)
	proxy := &httputil.ReverseProxy{
		FlushInterval: -1,
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			if says {
				r.Out.Header.Set("X-Forwarded-Prefix", "/rollcall")
			}
		},
	}
	mux := http.NewServeMux()
	mux.Handle("/rollcall/", http.StripPrefix("/rollcall", proxy))
	mux.HandleFunc("/rollcall", func(w http.ResponseWriter, r *http.Request) {
		r.URL.Path = "/"
		proxy.ServeHTTP(w, r)
	})
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv.URL
}

// A proxy may show the page under a path. With a slash at the address's end that works whether it
// says so or not; without one a browser takes relative addresses for the host's own, unless the
// page says what they are relative to.
func underAPrefix(t *testing.T, browser context.Context) {
	s := run(t, office(), apiToken)
	for name, c := range map[string]struct {
		path string
		says bool
	}{
		"a slash, and the proxy says nothing": {"/rollcall/", false},
		"a slash, and the proxy says so":      {"/rollcall/", true},
		"no slash, and the proxy says so":     {"/rollcall", true},
	} {
		t.Run(name, func(t *testing.T) {
			address := behind(t, s.page, c.says)
			p := open(t, browser, address+c.path)
			p.sees(`document.querySelector("#token")`)
			p.click("#token")
			p.press(apiToken + kb.Enter)
			p.reads(".meeting", "Office hours")
			p.reads(".connection", "Live")
			assert.True(t, look[bool](p, `document.querySelector(".brand img").naturalWidth > 0`), "the icon is there")

			resp, err := http.Post(address+"/rollcall/login", "application/json", strings.NewReader(`{"token": "`+apiToken+`"}`))
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			require.Len(t, resp.Cookies(), 1)
			assert.Empty(t, resp.Cookies()[0].Path, "other programs of the same host do not get it")

			p.click(".meeting")
			p.reads("h1", "Office hours")
			p.click(".tools button") // log out
			p.sees(`document.querySelector("#token")`)
		})
	}
}
