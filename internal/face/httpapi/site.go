package httpapi

import (
	"net/http"
	"strings"

	"github.com/c4342123/rollcall/internal/base/problem"
)

var crossOrigin = http.NewCrossOriginProtection()

// otherSite tells whether a browser says that another site's page makes a request, whatever the
// method: such a page can have the browser send its cookies, and reach a service that answers
// without any. A browser that does not say so names at least where a change comes from.
func otherSite(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "none", "same-origin":
		return crossOrigin.Check(r) != nil
	default:
		return true
	}
}

// navigation tells whether a browser is about to show the answer as a page of its own, by a link
// for example: whoever made it do so sees nothing of it.
func navigation(r *http.Request) bool {
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) &&
		r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
}

// ownSite keeps other sites' pages from all that is below /v1 and from the log-in, whatever the
// method and whether there is anything at the path. They may link to what the browser shows as a
// page: where a log-in at the provider begins, and where it comes back to.
func ownSite(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == providerPath || path == callbackPath:
			ownSiteOrLink(next.ServeHTTP)(w, r)
		case (path == loginPath || strings.HasPrefix(path, loginPath+"/") || strings.HasPrefix(path, "/v1/")) && otherSite(r):
			refuseOtherSite(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// ownSiteOrLink answers only what no other site's page asks for, but that those may link to it.
func ownSiteOrLink(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if otherSite(r) && !navigation(r) {
			refuseOtherSite(w)
			return
		}
		next(w, r)
	}
}

func refuseOtherSite(w http.ResponseWriter) {
	problem.Write(w, http.StatusForbidden, "a browser says that another site's page asks for this")
}
