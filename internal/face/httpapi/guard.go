package httpapi

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
)

// endpoint is what answers a method of a guarded path, and the scope that it needs. The handler
// finds who asks by [access.From].
type endpoint struct {
	scope  access.Scope
	answer http.HandlerFunc
	also   parameters // that it knows besides those of its path
}

// taking is the endpoint that knows more parameters than its path does.
func (e endpoint) taking(also parameters) endpoint {
	e.also = also
	return e
}

// read is an endpoint for those who may read.
func read(answer http.HandlerFunc) endpoint { return endpoint{scope: access.Read, answer: answer} }

// guard answers only those who may use the endpoint: with a token, or logged in, or, where there is
// neither, from this machine.
func (a *api) guard(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		caller, ok := a.caller(w, r)
		if !ok {
			return
		}
		if !caller.Scopes.Allow(e.scope) {
			a.opts.Access.Failures.Count(access.NoScope)
			a.log.Warn("a caller without the scope was refused", "scope", e.scope, "caller", caller.Kind, "name", caller.Name, "path", r.Pattern)
			problem.Write(w, http.StatusForbidden, fmt.Sprintf("this needs the scope %s, and what you came in with has %s", e.scope, caller.Scopes))
			return
		}
		e.answer(w, r.WithContext(access.With(r.Context(), caller)))
	}
}

// Why it is not known who asks.
var (
	errNothing = errors.New("no token")
	errToken   = errors.New("a wrong token")
	errSession = errors.New("no session")
	errNearby  = errors.New("not from this machine")
	errAway    = errors.New("the sessions cannot be read")
)

// identify finds out who asks.
func (a *api) identify(r *http.Request) (access.Caller, error) {
	if a.opts.Access.Open() {
		if !local(r) {
			return access.Caller{}, errNearby
		}
		return access.Caller{Kind: access.Nearby, Scopes: access.Scopes{access.Admin}}, nil
	}
	err := errNothing
	if token, given := bearer(r); given {
		caller, ok := a.opts.Access.Keys.Find(token)
		if ok {
			return caller, nil
		}
		err = errToken
	}
	cookie, none := r.Cookie(sessionCookie)
	if none != nil || cookie.Value == "" {
		return access.Caller{}, err
	}
	caller, failed := a.opts.Access.Sessions.Find(r.Context(), cookie.Value)
	switch {
	case failed == nil:
		return caller, nil
	case errors.Is(err, errToken):
		return access.Caller{}, err
	case errors.Is(failed, access.ErrNoSession):
		return access.Caller{}, errSession
	default:
		return access.Caller{}, fmt.Errorf("%w: %w", errAway, failed)
	}
}

// caller is who asks, or answers why nobody may who asks like this.
func (a *api) caller(w http.ResponseWriter, r *http.Request) (access.Caller, bool) {
	const want = "the API token is missing or wrong: send it as Authorization: Bearer TOKEN"
	caller, err := a.identify(r)
	switch {
	case err == nil:
		return caller, true
	case errors.Is(err, errNearby):
		problem.Write(w, http.StatusForbidden, "no API token is set (ROLLCALL_API_TOKEN), so the API answers only on loopback, and no proxies")
	case errors.Is(err, errToken):
		a.refuseWrong(w, r, access.WrongToken, want)
	case errors.Is(err, errAway):
		refuseAway(w)
	case errors.Is(err, errSession):
		a.opts.Access.Failures.Count(access.WrongSession)
		unauthorized(w, "the session has ended: log in again")
	default:
		unauthorized(w, want)
	}
	return access.Caller{}, false
}

// bearer is the token that a request carries, and whether it carries one.
func bearer(r *http.Request) (token string, given bool) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(token), strings.EqualFold(scheme, "Bearer")
}

// refuseWrong answers a wrong token. Too many of one address have to wait, which keeps out nobody
// who has the right one.
func (a *api) refuseWrong(w http.ResponseWriter, r *http.Request, way access.Failure, detail string) {
	from := a.client(r)
	wait := a.opts.Access.Failures.Wrong(way, from)
	a.log.Warn("a wrong token was refused", "with", way.String(), "from", from.String(), "limited", wait > 0)
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		problem.Write(w, http.StatusTooManyRequests, fmt.Sprintf("too many wrong tokens of this address: the next is looked at in %v", wait.Round(time.Second)))
		return
	}
	unauthorized(w, detail)
}

func unauthorized(w http.ResponseWriter, detail string) {
	w.Header().Set("WWW-Authenticate", `Bearer realm="rollcall"`)
	problem.Write(w, http.StatusUnauthorized, detail)
}

func refuseAway(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "1")
	problem.Write(w, http.StatusServiceUnavailable, "sessions are kept in NATS, which does not answer: try again, or send the API token")
}
