package httpapi

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/c4342123/rollcall/internal/base/problem"
	"github.com/c4342123/rollcall/internal/face/access"
)

// live says that the process answers.
func live(w http.ResponseWriter, _ *http.Request) {
	text(w, http.StatusOK, "ok\n")
}

// ready says whether the service does its work and, with ?verbose, the state of each part of it,
// since when, when it worked last and what to do. One that does not work is said in any case.
// Details of meetings are for those with the token.
func (a *api) ready(w http.ResponseWriter, r *http.Request) {
	var checks []Check
	if a.opts.Checks != nil {
		checks = a.opts.Checks()
	}
	verbose := r.URL.Query().Has("verbose")
	status, verdict := http.StatusOK, "ready"
	named := verbose && a.mayRead(r)
	var lines strings.Builder
	for _, c := range checks {
		switch {
		case c.Err == nil:
			if verbose {
				lines.WriteString(well(c))
			}
			continue
		case c.Vital:
			status, verdict = http.StatusServiceUnavailable, "not ready"
		case verdict == "ready":
			verdict = "degraded"
		}
		fmt.Fprintf(&lines, "[-] %s: %s", c.Name, oneLine(c.Err.Error()))
		if verbose {
			lines.WriteString(times(c) + noted(c.Note))
		}
		if verbose && c.Do != "" {
			lines.WriteString("; what to do: " + c.Do)
		}
		lines.WriteByte('\n')
		for _, d := range c.Details {
			if named {
				fmt.Fprintf(&lines, "    %s\n", oneLine(d))
			}
		}
	}
	text(w, status, lines.String()+verdict+"\n")
}

// well is the line of a part that works.
func well(c Check) string {
	if c.Warning == "" {
		return fmt.Sprintf("[+] %s ok%s%s\n", c.Name, times(c), noted(c.Note))
	}
	do := ""
	if c.Do != "" {
		do = "; what to do: " + c.Do
	}
	return fmt.Sprintf("[!] %s: %s%s%s%s\n", c.Name, oneLine(c.Warning), times(c), noted(c.Note), do)
}

func oneLine(s string) string { return strings.ReplaceAll(s, "\n", "; ") }

// times says since when a part is as it is, and when it worked last.
func times(c Check) string {
	var out strings.Builder
	for _, t := range []struct {
		what string
		at   time.Time
	}{{"since", c.Since}, {"last success", c.Success}} {
		if !t.at.IsZero() {
			fmt.Fprintf(&out, ", %s %s", t.what, t.at.UTC().Format(time.RFC3339))
		}
	}
	return out.String()
}

// noted is a note as it follows a verdict.
func noted(note string) string {
	if note == "" {
		return ""
	}
	return " (" + note + ")"
}

func text(w http.ResponseWriter, status int, body string) {
	problem.Head(w, status, "text/plain; charset=utf-8")
	_, _ = w.Write([]byte(body)) // a client that is gone gets no more
}

// mayRead tells whether who asks has shown that they may read, for paths that are open to all.
func (a *api) mayRead(r *http.Request) bool {
	if a.opts.Access.Open() {
		return false
	}
	caller, err := a.identify(r)
	return err == nil && caller.Scopes.Allow(access.Read)
}
