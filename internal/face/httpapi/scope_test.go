package httpapi

import (
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/face/access"
)

// tokenFile writes a file with a token for each scope, of its name.
func tokenFile(t *testing.T) string {
	t.Helper()
	content := "tokens:\n"
	for _, scope := range []string{"read", "watch", "erase", "admin"} {
		content += "  - name: " + scope + "\n    hash: " + access.HashOf("the token of "+scope).String() + "\n    scopes: [" + scope + "]\n"
	}
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	return path
}

func TestScopes(t *testing.T) {
	doors := withKeys(t, "", tokenFile(t), &memory{})
	for _, req := range guarded {
		needs := "watch"
		if req[0] == http.MethodGet {
			needs = "read"
		}
		for _, scope := range []string{"read", "watch", "erase", "admin"} {
			h := Handler(Options{Meetings: table(state(t, "a", "")), Access: doors})
			token := "the token of " + scope
			resp := ask(t, h, req[0], req[1], "", header("Authorization", "Bearer "+token))
			session := cookieOf(t, ask(t, h, http.MethodPost, "/login", `{"token": "`+token+`"}`))
			if scope == needs || scope == "admin" {
				assert.Less(t, resp.StatusCode, 300, "%s %s %s", req[0], req[1], scope)
				continue
			}
			assert.Contains(t, problemOf(t, resp, http.StatusForbidden), "scope "+needs)
			resp = ask(t, h, req[0], req[1], "", func(r *http.Request) { r.AddCookie(session) })
			assert.Contains(t, problemOf(t, resp, http.StatusForbidden), "scope "+needs, "a session may what its token may")
		}
	}
}

// A file from which the last token was taken opens nothing.
func TestAFileWithoutTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.yaml")
	require.NoError(t, os.WriteFile(path, []byte("tokens: []\n"), 0o600))
	resp := request(t, Options{Meetings: table(), Access: withKeys(t, "", path, &memory{})}, http.MethodGet, "/v1/meetings", "")
	problemOf(t, resp, http.StatusUnauthorized)
}
