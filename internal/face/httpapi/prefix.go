package httpapi

import (
	"net/http"
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
	from, ok := addressIn(r.RemoteAddr)
	return ok && a.trusted(from)
}
