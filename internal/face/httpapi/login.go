package httpapi

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
)

const (
	sessionCookie = "rollcall_session"
	// loginPath is where a browser logs in and out.
	loginPath = "/login"
)

// sessionBody tells whether there is something to log in to, and as whom this client has done so.
type sessionBody struct {
	Required bool          `json:"required"`
	LoggedIn bool          `json:"loggedIn"`
	OIDC     bool          `json:"oidc,omitempty"` // people log in at their organisation's provider, too
	Name     string        `json:"name,omitempty"`
	Scopes   access.Scopes `json:"scopes,omitempty"`
}

// loginState lets the page know what it cannot see: its cookie is hidden from scripts.
func (a *api) loginState(w http.ResponseWriter, r *http.Request) {
	body := sessionBody{Required: !a.opts.Access.Open(), OIDC: a.opts.LogIn.Provider != nil}
	if body.Required {
		caller, err := a.identify(r)
		if errors.Is(err, errAway) {
			refuseAway(w)
			return
		}
		body.LoggedIn, body.Name, body.Scopes = err == nil, caller.Name, caller.Scopes
	}
	problem.Reply(w, http.StatusOK, jsonType, body)
}

// login takes {"token"} and keeps a browser logged in, by a cookie that its scripts cannot read.
func (a *api) login(w http.ResponseWriter, r *http.Request) {
	if a.opts.Access.Open() {
		problem.Write(w, http.StatusNotFound, "no API token is set (ROLLCALL_API_TOKEN), so there is nothing to log in to")
		return
	}
	var body struct {
		Token string `json:"token"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(&body); err != nil {
		// The error may quote the token.
		problem.Write(w, http.StatusBadRequest, `the body is not {"token": "…"}`)
		return
	}
	name, err := a.opts.Access.Sessions.BeginWithToken(r.Context(), strings.TrimSpace(body.Token))
	switch {
	case errors.Is(err, access.ErrNoSession):
		a.refuseWrong(w, r, access.WrongLogin, "the API token is wrong")
	case err != nil:
		a.log.Warn("a session could not be kept", "error", err)
		refuseAway(w)
	default:
		a.setSession(w, r, name, "", false)
		w.WriteHeader(http.StatusNoContent)
	}
}

// logout ends the session, wherever it is used.
func (a *api) logout(w http.ResponseWriter, r *http.Request) {
	if cookie, err := r.Cookie(sessionCookie); err == nil && cookie.Value != "" && !a.opts.Access.Open() {
		if err := a.opts.Access.Sessions.End(r.Context(), cookie.Value); err != nil {
			a.log.Warn("a session could not be ended", "error", err)
			refuseAway(w)
			return
		}
	}
	cookie(w, r, http.Cookie{Name: sessionCookie, MaxAge: -1, SameSite: http.SameSiteStrictMode})
	w.WriteHeader(http.StatusNoContent)
}

// setSession has the browser keep the name of a session, for a path. Without one it is that of the
// page, whatever prefix a proxy has put before it.
func (a *api) setSession(w http.ResponseWriter, r *http.Request, name, path string, secure bool) {
	cookie(w, r, http.Cookie{
		Name: sessionCookie, Value: name, Path: path, MaxAge: int(a.opts.Access.Sessions.Life / time.Second),
		SameSite: http.SameSiteStrictMode, Secure: secure,
	})
}

// cookie sets a cookie that scripts cannot read, and that goes over TLS alone where there is TLS.
func cookie(w http.ResponseWriter, r *http.Request, c http.Cookie) {
	c.HttpOnly, c.Secure = true, c.Secure || r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
	http.SetCookie(w, &c)
	w.Header().Set("Cache-Control", "no-store")
}
