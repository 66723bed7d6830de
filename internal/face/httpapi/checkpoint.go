package httpapi

import (
	"context"
	"net/http"

	"github.com/c4342123/rollcall/internal/base/problem"
)

// Audit is where the log of meetings is found.
type Audit interface {
	// Checkpoint returns the newest signed checkpoint; nil when there is none.
	Checkpoint(ctx context.Context) ([]byte, error)
}

// checkpoint answers everybody with what the log of meetings is, signed: it names no meeting.
func (a *api) checkpoint(w http.ResponseWriter, r *http.Request) {
	if !a.canAnswer(w) {
		return
	}
	note, err := a.opts.Audit.Checkpoint(r.Context())
	switch {
	case err != nil:
		fail(w, "", err)
	case note == nil:
		problem.Write(w, http.StatusNotFound, "there is no checkpoint yet: no meeting that has ended is sealed")
	default:
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(note) // who asked has gone
	}
}
