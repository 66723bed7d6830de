package api

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/poller"
)

func TestTokenCalls(t *testing.T) {
	cases := map[string]struct {
		corp  bool
		path  string
		reply string
		sent  map[string]string
	}{
		"internal app": {
			false, "POST /v1.0/oauth2/accessToken", `{"accessToken":"` + testToken + `","expireIn":7200}`,
			map[string]string{"appKey": "key", "appSecret": testSecret},
		},
		"client credentials": {
			true, "POST /v1.0/oauth2/ding%20corp/token", `{"access_token":"` + testToken + `","expires_in":7200}`,
			map[string]string{"client_id": "key", "client_secret": testSecret, "grant_type": "client_credentials"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newBareUpstream(t)
			var sent map[string]string
			u.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
				assert.Equal(t, c.path, r.Method+" "+r.URL.EscapedPath())
				assert.Equal(t, "application/json", r.Header.Get("Content-Type"))
				assert.Empty(t, r.Header.Get("x-acs-dingtalk-access-token"))
				body, err := io.ReadAll(r.Body)
				assert.NoError(t, err)
				assert.NoError(t, json.Unmarshal(body, &sent))
				writeJSON(w, 200, c.reply)
			})
			client := u.client(t, func(o *Options) { o.ClientCredentials = c.corp; o.CorpID = "ding corp" })
			require.NoError(t, client.CheckToken(t.Context()))
			require.NoError(t, client.CheckToken(t.Context()))
			assert.Equal(t, c.sent, sent)
			assert.Equal(t, Stats{TokenRequests: 1}, client.Stats())
		})
	}
}

func TestTokenRepliesThatAreNone(t *testing.T) {
	cases := map[string]struct {
		reply   http.HandlerFunc
		kind    Kind
		trouble poller.Trouble
		calls   int
	}{
		"bad pair":       {answer(400, `{"code":"invalidClientIdOrSecret","message":"bad"}`), KindCredentials, poller.Denied, 1},
		"401":            {answer(401, `{"code":"authFailed"}`), KindCredentials, poller.Denied, 1},
		"too often":      {answer(403, `{"code":"Forbidden.AccessDenied.QpsLimitForApi"}`), KindThrottled, poller.Throttled, 1},
		"500":            {answer(500, `{"code":"systemError"}`), KindServer, poller.Unavailable, 3},
		"reset":          {cutShort, KindNetwork, poller.Unavailable, 3},
		"HTML":           {failure{status: 200, kind: "text/html", body: "<html>"}.serve, KindReply, poller.Unavailable, 1},
		"no token":       {answer(200, `{}`), KindReply, poller.Unavailable, 1},
		"error with 200": {answer(200, `{"code":"invalidClientIdOrSecret"}`), KindCredentials, poller.Denied, 1},
		"empty token":    {answer(200, `{"accessToken":"","expireIn":7200}`), KindReply, poller.Unavailable, 1},
		"token that breaks a header": {
			answer(200, `{"accessToken":"a\r\nb","expireIn":7200}`), KindReply, poller.Unavailable, 1,
		},
		"token too long": {
			answer(200, `{"accessToken":"`+strings.Repeat("x", 5000)+`","expireIn":7200}`), KindReply, poller.Unavailable, 1,
		},
		"token of a list": {answer(200, `{"accessToken":["abcdef"],"expireIn":7200}`), KindReply, poller.Unavailable, 1},
		"old-style error": {answer(200, `{"errcode":40014,"errmsg":"x"}`), KindReply, poller.Unavailable, 1},
		"old-style pair":  {answer(200, `{"errcode":40089,"errmsg":"x"}`), KindReply, poller.Unavailable, 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			u := newBareUpstream(t)
			var calls atomic.Int64
			u.mux.HandleFunc("POST /v1.0/oauth2/accessToken", func(w http.ResponseWriter, r *http.Request) {
				calls.Add(1)
				c.reply(w, r)
			})
			client := u.client(t)
			err := client.CheckToken(t.Context())
			var e *Error
			require.ErrorAs(t, err, &e)
			assert.Equal(t, c.kind.String(), e.Kind.String())
			assert.Equal(t, c.trouble.String(), trouble(t, err).Trouble.String())

			// The next one who asks is told the same without a call.
			_, err = client.Members(t.Context(), "m")
			assert.Equal(t, c.trouble.String(), trouble(t, err).Trouble.String())
			assert.Positive(t, trouble(t, err).Wait)
			assert.EqualValues(t, c.calls, calls.Load())
			assert.Empty(t, u.seen())
		})
	}
}

func TestTheLifeOfAToken(t *testing.T) {
	for body, want := range map[string]time.Duration{
		`{"accessToken":"abcd","expireIn":7200}`:                  2 * time.Hour,
		`{"accessToken":"abcd","expireIn":"60"}`:                  time.Minute,
		`{"accessToken":"abcd"}`:                                  2 * time.Hour,
		`{"accessToken":"abcd","expireIn":0}`:                     2 * time.Hour,
		`{"accessToken":"abcd","expireIn":-5}`:                    2 * time.Hour,
		`{"accessToken":"abcd","expireIn":3}`:                     10 * time.Second,
		`{"accessToken":"abcd","expireIn":""}`:                    2 * time.Hour,
		`{"accessToken":"abcd","expireIn":null}`:                  2 * time.Hour,
		`{"accessToken":"abcd","expireIn":"soon"}`:                2 * time.Hour,
		`{"accessToken":"abcd","expireIn":true}`:                  2 * time.Hour,
		`{"accessToken":"abcd","expireIn":"3600s"}`:               time.Hour,
		`{"accessToken":"abcd","expireIn":{}}`:                    2 * time.Hour,
		`{"accessToken":"abcd","expireIn":" 7.2e3 "}`:             2 * time.Hour,
		`{"accessToken":"abcd","expireIn":59.9}`:                  59 * time.Second,
		`{"accessToken":"","access_token":"abcd"}`:                2 * time.Hour,
		`{"accessToken":false,"access_token":"abcd"}`:             2 * time.Hour,
		`{"accessToken":"abcd","expireIn":9223372036854775807}`:   24 * time.Hour,
		`{"access_token":"abcd","expires_in":30,"expireIn":7200}`: 30 * time.Second,
	} {
		token, err := new(Client).readToken(ok200(body))
		require.NoError(t, err, body)
		assert.Equal(t, grant{value: "abcd", life: want}, token, body)
	}
}

func ok200(body string) reply { return reply{status: 200, body: []byte(body)} }
