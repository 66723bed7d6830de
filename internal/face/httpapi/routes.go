package httpapi

import (
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
)

type api struct {
	opts  Options
	log   *slog.Logger
	seats seats // of readers of events
}

// methods are what answers a path, by method. GET answers HEAD, too.
type methods map[string]http.HandlerFunc

// endpoints are what answers a guarded path, by method.
type endpoints map[string]endpoint

// Handler answers every request. Errors are application/problem+json.
func Handler(opts Options) http.Handler {
	if opts.Refusals == nil {
		opts.Refusals = new(Refusals)
	}
	a := &api{opts: opts, log: opts.logger(), seats: newSeats(opts.Limits)}
	mux := http.NewServeMux()
	a.open(mux, "/livez", live)
	a.open(mux, "/readyz", a.ready)
	a.open(mux, "/openapi.yaml", description(openAPI))
	a.open(mux, "/asyncapi.yaml", description(asyncAPI))
	if opts.Metrics != nil {
		a.open(mux, "/metrics", opts.Metrics.ServeHTTP)
	}
	opts.Webhook.route(mux, "")
	route(mux, loginPath, methods{http.MethodGet: a.loginState, http.MethodPost: a.login, http.MethodDelete: a.logout})
	a.open(mux, providerPath, a.atProvider(a.toProvider))
	a.open(mux, callbackPath, a.atProvider(a.fromProvider))
	a.open(mux, "/{$}", a.shell(index))
	a.open(mux, "/assets/{name}", a.shell(asset))
	a.guarded(mux, "/v1/meetings", endpoints{http.MethodGet: read(a.list)}, parameters{"state": once, "search": once, "limit": once})
	a.guarded(mux, "/v1/meetings/{id}", endpoints{
		http.MethodGet: read(a.logged("roster", a.get)), http.MethodPut: {scope: access.Watch, answer: a.put}, http.MethodDelete: {scope: access.Watch, answer: a.delete},
	}, nil)
	a.guarded(mux, "/v1/meetings/{id}/report", endpoints{http.MethodGet: read(a.logged("report", a.report))}, parameters{"format": once})
	a.guarded(mux, "/v1/people/{person}", endpoints{
		http.MethodGet:    read(a.logged("person", a.person)).taking(parameters{"format": once}),
		http.MethodDelete: endpoint{scope: access.Erase, answer: a.erase}.taking(parameters{"reason": once, "by": once, "notice": once, "dryRun": once}),
	}, parameters{"meeting": once})
	a.guarded(mux, "/v1/events", endpoints{http.MethodGet: read(a.logged("events", a.events))}, parameters{"meeting": once, "type": repeated})
	if opts.Month != nil {
		a.guarded(mux, "/v1/month", endpoints{http.MethodGet: read(a.month)}, nil)
	}
	if opts.Keys != nil {
		a.open(mux, "/v1/keys", parameters{}.only(a.keys))
	}
	if opts.Audit != nil {
		a.open(mux, "/v1/checkpoint", parameters{}.only(a.checkpoint))
	}
	mux.HandleFunc("/", nothing)
	return a.whole(ownSite(mux))
}

// open lets everybody read a path.
func (a *api) open(mux *http.ServeMux, pattern string, read http.HandlerFunc) {
	route(mux, pattern, methods{http.MethodGet: read})
}

// guarded lets those in who have the scope that the endpoint declares, and ask for what a path
// knows.
func (a *api) guarded(mux *http.ServeMux, pattern string, m endpoints, known parameters) {
	allowed := methods{}
	for method, e := range m {
		e.answer = known.and(e.also).only(e.answer)
		allowed[method] = a.guard(e)
	}
	route(mux, pattern, allowed)
}

func route(mux *http.ServeMux, pattern string, m methods) {
	allow := slices.Sorted(maps.Keys(m))
	if m[http.MethodGet] != nil {
		allow = slices.Insert(allow, slices.Index(allow, http.MethodGet)+1, http.MethodHead)
	}
	for method, h := range m {
		mux.HandleFunc(method+" "+pattern, h)
	}
	mux.HandleFunc(pattern, notAllowed(strings.Join(allow, ", ")))
}

// whole answers what the mux would answer in its own way, and what went wrong within a handler.
func (a *api) whole(mux http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer a.recovered(w, r)
		w.Header().Set("Cross-Origin-Resource-Policy", "same-origin")
		if r.Method == http.MethodConnect || !clean(r.URL.EscapedPath()) {
			nothing(w, r)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// clean tells whether the mux takes a path as it is: it redirects from every other.
func clean(p string) bool {
	return p == "/" || strings.HasPrefix(p, "/") && path.Clean(p) == strings.TrimSuffix(p, "/") && !strings.HasSuffix(p, "//")
}

// recovered answers for a handler that panicked. net/http would cut the connection without a word.
func (a *api) recovered(w http.ResponseWriter, r *http.Request) {
	switch v := recover(); v {
	case nil:
	case http.ErrAbortHandler:
		panic(v)
	default:
		a.log.Error("a request failed", "method", r.Method, "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
		problem.Write(w, http.StatusInternalServerError, "something went wrong in Rollcall; its log says more")
	}
}

func nothing(w http.ResponseWriter, _ *http.Request) {
	problem.Write(w, http.StatusNotFound, "there is nothing at this path")
}

// notAllowed answers a method that the path does not know.
func notAllowed(allow string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", allow)
		problem.Write(w, http.StatusMethodNotAllowed, r.Method+" is not possible here, only "+allow)
	}
}
