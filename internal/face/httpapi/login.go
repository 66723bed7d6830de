package httpapi

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/c4342123/rollcall/internal/base/problem"
)

const (
	sessionCookie = "rollcall_session"
	// sessionLife is how long a browser stays logged in. Another token ends all sessions at once.
	sessionLife = 7 * 24 * time.Hour
	// Wrong tokens per second, and at once, before every login has to wait.
	wrongTokens, wrongAtOnce = 1, 10
)

// session is what the cookie of a browser holds that has logged in. It follows from the token, so
// that every replica knows it without being told, but the token does not follow from it.
func session(token string) string {
	mac := hmac.New(sha256.New, []byte(token))
	mac.Write([]byte("rollcall session 1"))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// loggedIn tells whether a request comes from a browser that has logged in.
func loggedIn(r *http.Request, token string) bool {
	cookie, err := r.Cookie(sessionCookie)
	return err == nil && subtle.ConstantTimeCompare([]byte(cookie.Value), []byte(session(token))) == 1
}

// sessionBody tells whether there is something to log in to, and whether this client has done so.
type sessionBody struct {
	Required bool `json:"required"`
	LoggedIn bool `json:"loggedIn"`
}

// loginState lets the page know what it cannot see: its cookie is hidden from scripts.
func (a *api) loginState(w http.ResponseWriter, r *http.Request) {
	required := a.opts.Token != ""
	problem.Reply(w, http.StatusOK, jsonType, sessionBody{required, required && a.admitted(r)})
}

// login takes {"token"} and keeps a browser logged in, by a cookie that its scripts cannot read.
func (a *api) login(w http.ResponseWriter, r *http.Request) {
	if a.opts.Token == "" {
		problem.Write(w, http.StatusNotFound, "no API token is set (ROLLCALL_API_TOKEN), so there is nothing to log in to")
		return
	}
	if !a.wrong.allows() {
		w.Header().Set("Retry-After", "1")
		problem.Write(w, http.StatusTooManyRequests, "too many wrong tokens: try again in a few seconds")
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
	if !sameToken(strings.TrimSpace(body.Token), a.opts.Token) {
		a.wrong.count()
		problem.Write(w, http.StatusUnauthorized, "the API token is wrong")
		return
	}
	setSession(w, r, session(a.opts.Token), int(sessionLife/time.Second))
}

// logout forgets that a browser has logged in.
func (a *api) logout(w http.ResponseWriter, r *http.Request) {
	setSession(w, r, "", -1)
}

func setSession(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		// Without a path it is that of the page, whatever prefix a proxy has put before it.
		Name: sessionCookie, Value: value, MaxAge: maxAge, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https"),
	})
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusNoContent)
}

// attempts slow down the guessing of tokens.
type attempts struct{ limiter *rate.Limiter }

func newAttempts() attempts { return attempts{rate.NewLimiter(wrongTokens, wrongAtOnce)} }

func (a attempts) allows() bool { return a.limiter.Tokens() >= 1 }
func (a attempts) count()       { a.limiter.Allow() }

// sameToken compares in constant time, whatever the lengths.
func sameToken(given, token string) bool {
	a, b := sha256.Sum256([]byte(given)), sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(a[:], b[:]) == 1
}
