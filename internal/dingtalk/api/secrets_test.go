package api

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Every failure is provoked by a server that repeats what it was sent wherever it can.
func TestNoSecretInErrorsOrLogs(t *testing.T) {
	leak := testSecret + " " + testToken
	replies := map[string]http.HandlerFunc{
		"reset": reset, "cut short": cutShort, "hang": hang,
		"broken HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err == nil {
				_, _ = conn.Write([]byte(leak + "\r\n\r\n"))
				_ = conn.Close()
			}
		},
	}
	for name, f := range failures() {
		f.body = strings.ReplaceAll(f.body, `"message":"m"`, `"message":"`+leak+`"`)
		replies[name] = f.serve
		f.body += leak
		replies[name+", and more"] = f.serve
	}
	for _, status := range []string{"200", "302", "400", "401", "403", "500"} {
		code := map[string]int{"200": 200, "302": 302, "400": 400, "401": 401, "403": 403, "500": 500}[status]
		replies["message "+status] = answer(code, `{"code":"`+leak+`","message":"`+leak+`","requestid":"`+leak+`"}`)
		replies["page "+status] = failure{status: code, kind: "text/html", body: "<p>" + leak, header: map[string]string{"Location": "https://" + testToken + "/"}}.serve
		replies["field "+status] = answer(code, `{"memberModels":"`+leak+`","onGoingConfList":"`+leak+`","confInfo":{"status":"`+leak+`"}}`)
		replies["far out "+status] = answer(code, strings.Repeat(testToken+" ", 2000)+leak)
		replies["auth "+status] = answer(code, `{"code":"InvalidAuthentication","message":"`+leak+`"}`)
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			var book logBook
			quick := func(o *Options) { o.Timeout = 50 * time.Millisecond; o.Logger = book.logger() }

			u := newBareUpstream(t)
			u.mux.HandleFunc("GET /", reply)
			u.mux.HandleFunc("POST /", answer(200, `{"accessToken":"`+testToken+`","expireIn":7200}`))
			c := u.client(t, quick)
			_, errMembers := c.Members(t.Context(), "m")
			_, errInfo := c.Info(t.Context(), "m")
			_, errList := c.OngoingMeetings(t.Context())

			for _, err := range []error{errMembers, errInfo, errList} {
				require.Error(t, err)
				assertClean(t, err.Error())
				assert.Less(t, len(err.Error()), 1200)
				assert.False(t, strings.ContainsFunc(err.Error(), unicode.IsControl), "%q", err.Error())
			}
			assertClean(t, book.String())
		})
	}
}

func TestNoSecretInErrorsOfTokenCalls(t *testing.T) {
	replies := map[string]http.HandlerFunc{
		"reset": reset, "cut short": cutShort, "hang": hang,
		"error":             answer(400, `{"code":"`+testSecret+`","message":"key and `+testSecret+`"}`),
		"page":              failure{status: 200, kind: "text/html", body: "<p>" + testSecret + testToken}.serve,
		"error page":        failure{status: 500, kind: "text/html", body: "<p>" + testSecret}.serve,
		"redirect":          failure{status: 307, header: map[string]string{"Location": "https://" + testSecret + "/"}}.serve,
		"cut token":         answer(200, `{"accessToken":"`+testToken+`","expireIn`),
		"refused after all": answer(200, `{"accessToken":"`+testToken+`","errcode":"40089","errmsg":"`+testSecret+`"}`),
		"unusable token":    answer(200, `{"accessToken":"`+testToken+` x","expireIn":7200}`),
		"token elsewhere":   answer(200, `{"result":{"accessToken":"`+testToken+`"}}`),
		"token as a list":   answer(200, `{"accessToken":["`+testToken+`"]}`),
		"token of a block":  answer(200, `{"status":1111,"accessToken":7,"uuid":"`+testToken+`"}`),
	}
	for name, reply := range replies {
		t.Run(name, func(t *testing.T) {
			var book logBook
			u := newBareUpstream(t)
			u.mux.HandleFunc("POST /", reply)
			c := u.client(t, func(o *Options) { o.Timeout = 50 * time.Millisecond; o.Logger = book.logger() })
			err := c.CheckToken(t.Context())
			require.Error(t, err)
			assertClean(t, err.Error())
			assertClean(t, book.String())
			assert.Contains(t, book.String(), "no access token")
		})
	}
}

func assertClean(t *testing.T, text string) {
	t.Helper()
	assert.NotContains(t, text, testSecret)
	assert.NotContains(t, text, testToken)
}

func TestSecretsRememberRecentTokensOnly(t *testing.T) {
	s := newSecrets("app-secret", "", "abc")
	for _, token := range []string{"token-1", "token-2", "token-2", "token-3", "token-4", "token-5", "xy"} {
		s.add(token)
	}
	assert.Equal(t, "token-1 [redacted] [redacted] [redacted] abc xy",
		s.redact("token-1 token-2 token-5 app-secret abc xy"))
}
