package server

import (
	"fmt"
	"net/http"
	"strings"
)

// live says that the process answers.
func live(w http.ResponseWriter, _ *http.Request) {
	text(w, http.StatusOK, "ok\n")
}

// ready says whether the service does its work and, with ?verbose, how each part of it fares. One that does not work
// is said in any case.
func (a *api) ready(w http.ResponseWriter, r *http.Request) {
	var checks []Check
	if a.opts.Checks != nil {
		checks = a.opts.Checks()
	}
	verbose := r.URL.Query().Has("verbose")
	status, verdict := http.StatusOK, "ready"
	var lines strings.Builder
	for _, c := range checks {
		switch {
		case c.Err == nil:
			if verbose {
				fmt.Fprintf(&lines, "[+] %s ok%s\n", c.Name, noted(c.Note))
			}
			continue
		case c.Vital:
			status, verdict = http.StatusServiceUnavailable, "not ready"
		case verdict == "ready":
			verdict = "degraded"
		}
		fmt.Fprintf(&lines, "[-] %s: %s\n", c.Name, strings.ReplaceAll(c.Err.Error(), "\n", "; "))
	}
	text(w, status, lines.String()+verdict+"\n")
}

// noted is a note as it follows a verdict.
func noted(note string) string {
	if note == "" {
		return ""
	}
	return " (" + note + ")"
}

func text(w http.ResponseWriter, status int, body string) {
	head(w, status, "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(body)) // who went away hears nothing more
}
