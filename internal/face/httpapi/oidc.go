package httpapi

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
	"github.com/c4342123/rollcall/internal/face/oidc"
)

const (
	// begunCookie holds a log-in that has begun, until the browser comes back.
	begunCookie = "rollcall_oidc"
	begunLife   = 10 * time.Minute
	// providerPath sends browsers to the provider.
	providerPath = "/login/oidc"
	// callbackPath is where the provider sends them back to.
	callbackPath = "/login/oidc/callback"
)

// Provider logs people in at their organisation's provider; see [oidc.Client].
type Provider interface {
	Begin(ctx context.Context) (oidc.Begun, string, error)
	Finish(ctx context.Context, begun oidc.Begun, state, code string) (oidc.Person, error)
}

// LogIn says who logs people in.
type LogIn struct {
	Provider
	// RedirectURL is where browsers come back to; it ends in /login/oidc/callback.
	RedirectURL string
}

// page is the path of the page, as browsers see it, and whether they come by TLS.
func (p LogIn) page() (path string, secure bool) {
	u, err := url.Parse(p.RedirectURL)
	if err != nil {
		return "/", false
	}
	return strings.TrimSuffix(u.Path, callbackPath) + "/", u.Scheme == "https"
}

// atProvider answers where there is a provider.
func (a *api) atProvider(next http.HandlerFunc) http.HandlerFunc {
	if a.opts.LogIn.Provider != nil {
		return next
	}
	return func(w http.ResponseWriter, _ *http.Request) {
		problem.Write(w, http.StatusNotFound, "no OpenID provider is set (ROLLCALL_OIDC_ISSUER)")
	}
}

// toProvider sends a browser to log in.
func (a *api) toProvider(w http.ResponseWriter, r *http.Request) {
	begun, to, err := a.opts.LogIn.Begin(r.Context())
	if err != nil {
		a.refusePerson(w, err)
		return
	}
	path, secure := a.opts.LogIn.page()
	cookie(w, r, http.Cookie{
		Name: begunCookie, Path: path + strings.TrimPrefix(providerPath, "/"), Value: begun.State + "." + begun.Nonce + "." + begun.Verifier, MaxAge: int(begunLife / time.Second),
		SameSite: http.SameSiteLaxMode, Secure: secure, // Strict would not be sent when the provider sends the browser back
	})
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// fromProvider logs in who comes back from the provider.
func (a *api) fromProvider(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	kept, err := r.Cookie(begunCookie)
	parts := []string{"", "", ""}
	if err == nil {
		if split := strings.Split(kept.Value, "."); len(split) == len(parts) {
			parts = split
		}
	}
	path, secure := a.opts.LogIn.page()
	cookie(w, r, http.Cookie{Name: begunCookie, Path: path + strings.TrimPrefix(providerPath, "/"), MaxAge: -1, SameSite: http.SameSiteLaxMode, Secure: secure})
	if parts[0] == "" {
		a.opts.Access.Failures.Count(access.WrongPerson)
		problem.Write(w, http.StatusBadRequest, "this log-in was not begun by this browser, or too long ago: begin again at the page")
		return
	}
	if code := query.Get("error"); code != "" {
		a.opts.Access.Failures.Count(access.WrongPerson)
		a.log.Warn("the OpenID provider let somebody not in", "error", plaintext.Cut(code, 100))
		problem.Write(w, http.StatusForbidden, "the OpenID provider says: "+plaintext.Cut(code, 100))
		return
	}
	person, err := a.opts.LogIn.Finish(r.Context(), oidc.Begun{State: parts[0], Nonce: parts[1], Verifier: parts[2]}, query.Get("state"), query.Get("code"))
	if err != nil {
		a.refusePerson(w, err)
		return
	}
	sessions := a.opts.Access.Sessions
	if len(sessions.Groups.Scopes(person.Groups)) == 0 {
		a.opts.Access.Failures.Count(access.WrongPerson)
		a.log.Warn("somebody without a group that may do something was not let in (ROLLCALL_OIDC_SCOPES)")
		problem.Write(w, http.StatusForbidden, "none of your groups may use this (ROLLCALL_OIDC_SCOPES)")
		return
	}
	name, err := sessions.BeginWithPerson(r.Context(), person.Name, person.Groups)
	if err != nil {
		a.log.Warn("a session could not be kept", "error", err)
		refuseAway(w)
		return
	}
	a.setSession(w, r, name, path, secure)
	http.Redirect(w, r, path, http.StatusSeeOther)
}

func (a *api) refusePerson(w http.ResponseWriter, err error) {
	a.log.Warn("a log-in at the OpenID provider failed", "error", err)
	if errors.Is(err, oidc.ErrAway) {
		w.Header().Set("Retry-After", "5")
		problem.Write(w, http.StatusServiceUnavailable, "the OpenID provider does not answer as it should; the log says more")
		return
	}
	a.opts.Access.Failures.Count(access.WrongPerson)
	problem.Write(w, http.StatusUnauthorized, oidc.ErrRefused.Error()+"; the log says more")
}
