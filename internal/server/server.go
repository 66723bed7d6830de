// Package server is Rollcall's HTTP face: the API under /v1 and the health of the service.
package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/poller"
)

const (
	maxHeader     = 16 << 10
	maxBody       = 64 << 10
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second
	writeTimeout  = 30 * time.Second
	idleTimeout   = 2 * time.Minute
	// closeTimeout is how long requests under way may take when the service stops.
	closeTimeout = 4 * time.Second
)

// Meetings is what the API shows and changes; a [poller.Poller] is one.
type Meetings interface {
	// Watch begins to watch a meeting and tells whether it was not watched before.
	Watch(ctx context.Context, conferenceID, title string) (bool, error)
	// Unwatch stops watching a meeting, or returns [poller.ErrNotWatched].
	Unwatch(ctx context.Context, conferenceID string) error
	// Meeting returns one watched meeting, or [poller.ErrNotWatched].
	Meeting(conferenceID string) (poller.Status, *diff.State, error)
	// Meetings returns all of them.
	Meetings() []poller.Status
}

// Check is one condition of the service.
type Check struct {
	Name string
	// Err is nil when all is well. Its text is shown to everybody.
	Err error
	// Vital says that the service is not ready without it; otherwise it is degraded.
	Vital bool
}

// Options of a server.
type Options struct {
	Meetings Meetings
	// Token is the bearer token of the API. Without one the API answers only on loopback.
	Token string
	// Owner names this replica as the one that looks after the meetings it watches.
	Owner string
	// Checks returns the state of the service's parts; it must not block.
	Checks func() []Check
	Logger *slog.Logger
}

// Serve answers requests on ln until ctx ends, then lets those under way finish. It returns nil after ctx, and
// otherwise why it could not go on.
func Serve(ctx context.Context, ln net.Listener, opts Options) error {
	logger := opts.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	srv := &http.Server{
		Handler:           Handler(opts),
		MaxHeaderBytes:    maxHeader,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	select {
	case err := <-failed:
		return fmt.Errorf("http: %w", err)
	case <-ctx.Done():
	}
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), closeTimeout)
	defer cancel()
	if err := srv.Shutdown(closing); err != nil {
		_ = srv.Close() // whoever is too slow is cut off
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("http: %w", err)
	}
	return nil
}

// Handler answers every request. Errors are application/problem+json.
func Handler(opts Options) http.Handler {
	api := &api{opts: opts}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /livez", live)
	mux.HandleFunc("GET /readyz", api.ready)
	guard := api.guard
	mux.Handle("GET /v1/meetings", guard(api.list))
	mux.Handle("GET /v1/meetings/{id}", guard(api.get))
	mux.Handle("PUT /v1/meetings/{id}", guard(api.put))
	mux.Handle("DELETE /v1/meetings/{id}", guard(api.delete))
	mux.Handle("/v1/meetings", notAllowed("GET"))
	mux.Handle("/v1/meetings/{id}", notAllowed("GET, PUT, DELETE"))
	mux.Handle("/livez", notAllowed("GET"))
	mux.Handle("/readyz", notAllowed("GET"))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing at this path")
	})
	return mux
}
