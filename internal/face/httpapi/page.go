package httpapi

import (
	"net/http"

	"github.com/c4342123/rollcall/internal/face/page"
)

// shell lets a browser have the files of the page, which hold nothing that is secret: with a token
// set, a reader of them still has to log in. Without one, they are for this machine alone, as
// everything else is.
func (a *api) shell(name func(*http.Request) string) http.HandlerFunc {
	give := func(w http.ResponseWriter, r *http.Request) {
		if !page.Serve(w, r, name(r), a.prefix(r)) {
			nothing(w, r)
		}
	}
	return ownSiteOrLink(func(w http.ResponseWriter, r *http.Request) {
		if a.opts.Access.Open() {
			if _, ok := a.caller(w, r); !ok {
				return
			}
		}
		give(w, r)
	})
}

func index(*http.Request) string { return "index.html" }

func asset(r *http.Request) string { return r.PathValue("name") }
