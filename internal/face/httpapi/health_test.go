package httpapi

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestReady(t *testing.T) {
	away := errors.New("connection refused\nby 192.0.2.1")
	for name, c := range map[string]struct {
		checks  []Check
		status  int
		brief   string
		verbose string
	}{
		"nothing to check": {nil, 200, "ready\n", "ready\n"},
		"all well": {
			[]Check{{Name: "nats", Vital: true}, {Name: "dingtalk"}},
			200,
			"ready\n", "[+] nats ok\n[+] dingtalk ok\nready\n",
		},
		"something vital fails": {
			[]Check{{Name: "nats", Err: away, Vital: true}, {Name: "dingtalk"}},
			503,
			"[-] nats: connection refused; by 192.0.2.1\nnot ready\n",
			"[-] nats: connection refused; by 192.0.2.1\n[+] dingtalk ok\nnot ready\n",
		},
		"something else fails": {
			[]Check{{Name: "nats", Vital: true}, {Name: "dingtalk", Err: away}},
			200,
			"[-] dingtalk: connection refused; by 192.0.2.1\ndegraded\n",
			"[+] nats ok\n[-] dingtalk: connection refused; by 192.0.2.1\ndegraded\n",
		},
		"a warning": {
			[]Check{{Name: "nats", Vital: true}, {Name: "edition", Warning: "no limit", Note: "7 used", Do: "set one"}},
			200,
			"ready\n", "[+] nats ok\n[!] edition: no limit (7 used); what to do: set one\nready\n",
		},
		"both fail": {
			[]Check{{Name: "dingtalk", Err: away}, {Name: "nats", Err: away, Vital: true}, {Name: "other", Err: away}},
			503,
			"[-] dingtalk: connection refused; by 192.0.2.1\n[-] nats: connection refused; by 192.0.2.1\n" +
				"[-] other: connection refused; by 192.0.2.1\nnot ready\n",
			"[-] dingtalk: connection refused; by 192.0.2.1\n[-] nats: connection refused; by 192.0.2.1\n" +
				"[-] other: connection refused; by 192.0.2.1\nnot ready\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options{Checks: func() []Check { return c.checks }}
			for target, want := range map[string]string{"/readyz": c.brief, "/readyz?verbose": c.verbose, "/readyz?verbose=1": c.verbose} {
				resp := request(t, opts, http.MethodGet, target, "")
				assert.Equal(t, c.status, resp.StatusCode)
				assert.Equal(t, "text/plain; charset=utf-8", resp.Header.Get("Content-Type"))
				assert.Equal(t, want, bodyOf(t, resp))
			}
		})
	}
}

// TestReadyInFull tells since when, the last success and what to do, and details of meetings only
// to those with the token.
func TestReadyInFull(t *testing.T) {
	at := time.Date(2026, 5, 16, 5, 13, 28, 999, time.FixedZone("", 8*3600))
	checks := []Check{
		{Name: "nats", Vital: true, Since: at, Success: at.Add(time.Hour), Do: "nothing", Note: "a note"},
		{Name: "meetings read", Err: errors.New("1 cannot be read"), Since: at, Success: at, Do: "ask", Details: []string{"6321a: no\npermission"}},
		{Name: "dingtalk", Err: errors.New("away"), Since: at},
	}
	head := "[+] nats ok, since 2026-05-15T21:13:28Z, last success 2026-05-15T22:13:28Z (a note)\n" +
		"[-] meetings read: 1 cannot be read, since 2026-05-15T21:13:28Z, last success 2026-05-15T21:13:28Z; what to do: ask\n"
	detail, tail := "    6321a: no; permission\n", "[-] dingtalk: away, since 2026-05-15T21:13:28Z\ndegraded\n"
	with := func(token string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
	}
	opts := Options{Access: withToken(t, "right"), Checks: func() []Check { return checks }}
	assert.Equal(t, head+detail+tail, bodyOf(t, request(t, opts, http.MethodGet, "/readyz?verbose", "", with("right"))))
	assert.Equal(t, head+tail, bodyOf(t, request(t, opts, http.MethodGet, "/readyz?verbose", "", with("wrong"))))
	assert.Equal(t, head+tail, bodyOf(t, request(t, opts, http.MethodGet, "/readyz?verbose", "")))
	assert.Equal(t, "[-] meetings read: 1 cannot be read\n[-] dingtalk: away\ndegraded\n",
		bodyOf(t, request(t, opts, http.MethodGet, "/readyz", "", with("right"))))
	opts.Access = withToken(t, "") // then everybody on this machine is everybody
	assert.Equal(t, head+tail, bodyOf(t, request(t, opts, http.MethodGet, "/readyz?verbose", "")))
}

func TestLiveWhateverFails(t *testing.T) {
	opts := Options{Checks: func() []Check { return []Check{{Name: "nats", Err: errors.New("away"), Vital: true}} }}
	resp := request(t, opts, http.MethodGet, "/livez", "")
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "ok\n", bodyOf(t, resp))
}
