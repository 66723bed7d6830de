package httpapi

import (
	"net"
	"net/http"
	"strings"

	"github.com/c4342123/rollcall/internal/base/problem"
)

// guard answers only those who may use the API: with the token, or logged in with it, or, where
// none is set, from this machine.
func (a *api) guard(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		switch {
		case a.opts.Token == "" && !local(r):
			problem.Write(w, http.StatusForbidden, "no API token is set (ROLLCALL_API_TOKEN), so the API answers only on loopback")
		case a.opts.Token != "" && !a.admitted(r):
			w.Header().Set("WWW-Authenticate", `Bearer realm="rollcall"`)
			problem.Write(w, http.StatusUnauthorized, "the API token is missing or wrong: send it as Authorization: Bearer TOKEN")
		default:
			next(w, r)
		}
	}
}

// admitted tells whether a request carries the token, or that its browser has logged in with it.
func (a *api) admitted(r *http.Request) bool {
	return bearer(r, a.opts.Token) || loggedIn(r, a.opts.Token)
}

// bearer tells whether a request carries the token.
func bearer(r *http.Request, token string) bool {
	scheme, given, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return false
	}
	return sameToken(strings.TrimSpace(given), token)
}

// forwarded are the headers that proxies put into the requests they pass on.
var forwarded = []string{
	"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", forwardedPrefix, "X-Real-Ip",
	"True-Client-Ip", "Cf-Connecting-Ip",
}

// local tells whether a request comes from this machine and was meant for it: not through a proxy
// that happens to run here, and not from a web page that had its own name resolved to this machine.
// A proxy that leaves no trace cannot be told from a client: in front of one a token has to be set.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !loopback(host) {
		return false
	}
	for _, header := range forwarded {
		if _, present := r.Header[header]; present {
			return false
		}
	}
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	return loopback(strings.Trim(name, "[]"))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
