package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"regexp"
)

// forwardedPrefix is the header in which proxies say what they took off the beginning of a
// request's path.
const forwardedPrefix = "X-Forwarded-Prefix"

var prefixForm = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+$`)

// prefix is the path under which a browser finds the service, as a trusted proxy says; empty when
// none says so.
func (a *api) prefix(r *http.Request) string {
	said := r.Header.Values(forwardedPrefix)
	if len(said) != 1 || !prefixForm.MatchString(said[0]) || !a.fromTrustedProxy(r) {
		return ""
	}
	return said[0]
}

// fromTrustedProxy tells whether a request comes from an address whose headers about the client are
// believed.
func (a *api) fromTrustedProxy(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	from, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	from = from.WithZone("").Unmap()
	for _, network := range a.opts.TrustedProxies {
		if network.Contains(from) {
			return true
		}
	}
	return false
}
