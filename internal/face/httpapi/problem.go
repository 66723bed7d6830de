package httpapi

import (
	"encoding/json"
	"net/http"
)

// problemBody is an error as RFC 9457 writes it.
type problemBody struct {
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail"`
	State  string `json:"state,omitempty"` // of a meeting that is not watched
}

// problem answers with an error. detail says to a person what is wrong, and holds no secret.
func problem(w http.ResponseWriter, status int, detail string) {
	reply(w, status, problemType, newProblem(status, detail))
}

const problemType = "application/problem+json"

func newProblem(status int, detail string) problemBody {
	return problemBody{Type: "about:blank", Title: http.StatusText(status), Status: status, Detail: detail}
}

// Problem answers with an error as this package's own handlers do, for handlers that are mounted beside them. detail says
// to a person what is wrong; it is shown to everybody who asks, so it holds no secret.
func Problem(w http.ResponseWriter, status int, detail string) { problem(w, status, detail) }

// reply answers with JSON of the given content type.
func reply(w http.ResponseWriter, status int, contentType string, body any) {
	head(w, status, contentType)
	_ = json.NewEncoder(w).Encode(body) // who went away hears nothing more
}

// head begins an answer that nobody keeps and no browser takes for something else.
func head(w http.ResponseWriter, status int, contentType string) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
}
