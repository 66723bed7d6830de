package server

import (
	"errors"
	"net/http"
	"testing"

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

func TestLiveWhateverFails(t *testing.T) {
	opts := Options{Checks: func() []Check { return []Check{{Name: "nats", Err: errors.New("away"), Vital: true}} }}
	resp := request(t, opts, http.MethodGet, "/livez", "")
	assert.Equal(t, http.StatusOK, resp.StatusCode)
	assert.Equal(t, "ok\n", bodyOf(t, resp))
}
