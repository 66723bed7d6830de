// Package problem answers HTTP requests with errors as RFC 9457 writes them.
package problem

import (
	"encoding/json"
	"net/http"
)

// ContentType is that of an error.
const ContentType = "application/problem+json"

// Body is an error.
type Body struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	// State is that of a meeting that is not watched.
	State string `json:"state,omitempty"`
}

// New returns the error of an HTTP status. detail says to a person what is wrong; it is shown to
// everybody who asks, so it holds no secret.
func New(status int, detail string) Body {
	return Body{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Write answers with an error; see [New].
func Write(w http.ResponseWriter, status int, detail string) {
	Reply(w, status, ContentType, New(status, detail))
}

// Reply answers with JSON of the given content type, which may be that of an error or of anything
// else.
func Reply(w http.ResponseWriter, status int, contentType string, body any) {
	Head(w, status, contentType)
	_ = json.NewEncoder(w).Encode(body) // a client that is gone gets no more
}

// Head begins an answer that no cache keeps and no browser takes for something else.
func Head(w http.ResponseWriter, status int, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
}
