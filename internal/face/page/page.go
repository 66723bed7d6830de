// Package page is the page: files that a browser is given as they are. It needs no build, and asks
// no other host.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html"
	"io/fs"
	"mime"
	"net/http"
	"path"
)

//go:embed assets
var embedded embed.FS

// policy lets the page load its own files, ask its own service, and nothing else: no code or style
// within markup, no frame, no form.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"form-action 'none'; frame-ancestors 'none'"

// file is one file, ready to be given away.
type file struct {
	body []byte
	kind string
	etag string
}

// files are all of them, by name.
var files = func() map[string]file {
	out := map[string]file{}
	entries, err := fs.ReadDir(embedded, "assets")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, entry := range entries {
		body, err := embedded.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		out[entry.Name()] = newFile(body, kindOf(entry.Name()))
	}
	return out
}()

// under is the page as it is under a path: addresses in it are relative, and the base says to what.
func (f file) under(prefix string) file {
	base := []byte("<head>\n<base href=\"" + html.EscapeString(prefix) + "/\">")
	return newFile(bytes.Replace(f.body, []byte("<head>"), base, 1), f.kind)
}

func newFile(body []byte, kind string) file {
	sum := sha256.Sum256(body)
	return file{body, kind, `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`}
}

// kindOf is the Content-Type of a file. It does not use the machine's table, which may differ.
func kindOf(name string) string {
	switch ext := path.Ext(name); ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	default:
		return mime.TypeByExtension(ext)
	}
}

// Names returns the names of the files there are.
func Names() []string {
	out := make([]string, 0, len(files))
	for name := range files {
		out = append(out, name)
	}
	return out
}

// Serve answers with a file of that name, and tells whether there is one. A browser asks each time
// whether it has changed, so that page and service are always of one version. prefix is the path
// under which a proxy shows the page, without a slash at its end, or empty when that is not known:
// then it works under an address that ends in a slash.
func Serve(w http.ResponseWriter, r *http.Request, name, prefix string) bool {
	f, ok := files[name]
	if !ok {
		return false
	}
	h := w.Header()
	h.Set("Content-Security-Policy", policy+"; base-uri 'none'")
	if prefix != "" && name == "index.html" {
		f = f.under(prefix)
		h.Set("Content-Security-Policy", policy+"; base-uri 'self'")
	}
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-cache")
	h.Set("ETag", f.etag)
	if r.Header.Get("If-None-Match") == f.etag {
		w.WriteHeader(http.StatusNotModified)
		return true
	}
	h.Set("Content-Type", f.kind)
	_, _ = w.Write(f.body) // a client that is gone gets no more
	return true
}
