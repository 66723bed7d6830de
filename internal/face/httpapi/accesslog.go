package httpapi

import (
	"cmp"
	"net/http"

	"github.com/c4342123/rollcall/events"
	"github.com/c4342123/rollcall/internal/face/access"
)

// logged says in the log who reads what about people, once it is known whether they get it: before
// the first byte of the answer, as one may have no end. It names no member.
func (a *api) logged(what string, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			next(w, r) // which shows nothing
			return
		}
		next(&noting{ResponseWriter: w, note: func(status int) { a.noteAccess(r, what, status) }}, r)
	}
}

// noteAccess logs who asks for something, and with what status that is answered.
func (a *api) noteAccess(r *http.Request, what string, status int) {
	caller := access.From(r.Context())
	attrs := []any{"what", what, "by", string(caller.Kind)}
	if caller.Name != "" {
		attrs = append(attrs, "name", caller.Name)
	}
	if meeting := r.PathValue("id"); meeting != "" {
		attrs = append(attrs, "meeting", meeting)
	}
	for _, name := range []string{"meeting", "format", "type"} {
		if values := r.URL.Query()[name]; len(values) > 0 && status < http.StatusBadRequest {
			attrs = append(attrs, name, values)
		}
	}
	a.log.Info("access", append(attrs, "from", a.client(r).String(), "status", status)...)
	if a.opts.Read != nil && status < http.StatusBadRequest {
		a.opts.Read(events.Access{
			What: what, By: string(caller.Kind), Name: caller.Name, Meeting: cmp.Or(r.PathValue("id"), r.URL.Query().Get("meeting")),
		})
	}
}

// noting is a writer that tells the status as soon as it is known.
type noting struct {
	http.ResponseWriter
	note func(status int)
	told bool
}

// Unwrap is for [http.ResponseController].
func (n *noting) Unwrap() http.ResponseWriter { return n.ResponseWriter }

// WriteHeader implements [http.ResponseWriter].
func (n *noting) WriteHeader(status int) {
	if !n.told && status >= http.StatusOK {
		n.told = true
		n.note(status)
	}
	n.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (n *noting) Write(p []byte) (int, error) {
	if !n.told {
		n.WriteHeader(http.StatusOK)
	}
	return n.ResponseWriter.Write(p)
}
