package httpapi

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
)

// endpoint is what answers a method of a guarded path, and the scope that it needs. The handler
// finds who asks by [access.From].
type endpoint struct {
	scope  access.Scope
	answer http.HandlerFunc
}

// read is an endpoint for those who may read.
func read(answer http.HandlerFunc) endpoint { return endpoint{access.Read, answer} }

// guard answers only those who may use the endpoint: with a token, or logged in, or, where there is
// neither, from this machine.
func (a *api) guard(e endpoint) http.HandlerFunc {
	return ownSite(func(w http.ResponseWriter, r *http.Request) {
		caller, ok := a.caller(w, r)
		if !ok {
			return
		}
		if !caller.Scopes.Allow(e.scope) {
			problem.Write(w, http.StatusForbidden, fmt.Sprintf("this needs the scope %s, and the %s has %s", e.scope, caller.Kind, caller.Scopes))
			return
		}
		e.answer(w, r.WithContext(access.With(r.Context(), caller)))
	})
}

// caller is who asks, or answers why nobody may who asks like this.
func (a *api) caller(w http.ResponseWriter, r *http.Request) (access.Caller, bool) {
	switch {
	case a.opts.Token == "" && !local(r):
		problem.Write(w, http.StatusForbidden, "no API token is set (ROLLCALL_API_TOKEN), so the API answers only on loopback, and no proxies")
		return access.Caller{}, false
	case a.opts.Token == "":
		return access.Caller{Kind: access.Nearby, Scopes: access.Scopes{access.Admin}}, true
	case a.admitted(r):
		return access.Caller{Kind: access.ByToken, Name: "default", Scopes: access.Scopes{access.Admin}}, true
	default:
		w.Header().Set("WWW-Authenticate", `Bearer realm="rollcall"`)
		problem.Write(w, http.StatusUnauthorized, "the API token is missing or wrong: send it as Authorization: Bearer TOKEN")
		return access.Caller{}, false
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
