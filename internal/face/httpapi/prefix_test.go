package httpapi

import (
	"net/http"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlyATrustedProxyNamesThePrefix(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::1/128")}
	for name, c := range map[string]struct {
		from     string
		prefixes []string
		base     string // in the page
	}{
		"trusted":                   {"10.1.2.3:5000", []string{"/rollcall"}, `<base href="/rollcall/">`},
		"trusted, two levels":       {"10.1.2.3:5000", []string{"/a/b-c.d_e~f"}, `<base href="/a/b-c.d_e~f/">`},
		"trusted, IPv4 within IPv6": {"[::ffff:10.1.2.3]:5000", []string{"/rollcall"}, `<base href="/rollcall/">`},
		"trusted, IPv6 with a zone": {"[fd00::1%eth0]:5000", []string{"/rollcall"}, `<base href="/rollcall/">`},
		"somebody else":             {"10.2.2.3:5000", []string{"/rollcall"}, ""},
		"no address":                {"@", []string{"/rollcall"}, ""},
		"nothing said":              {"10.1.2.3:5000", nil, ""},
		"said twice":                {"10.1.2.3:5000", []string{"/a", "/b"}, ""},
		"another host":              {"10.1.2.3:5000", []string{"//evil.example"}, ""},
		"markup":                    {"10.1.2.3:5000", []string{`/"><script>`}, ""},
		"a slash at the end":        {"10.1.2.3:5000", []string{"/rollcall/"}, ""},
		"no slash at the beginning": {"10.1.2.3:5000", []string{"rollcall"}, ""},
		"a URL":                     {"10.1.2.3:5000", []string{"https://evil.example/"}, ""},
		"empty":                     {"10.1.2.3:5000", []string{""}, ""},
		"percent":                   {"10.1.2.3:5000", []string{"/%2e%2e"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			h := Handler(Options{Meetings: table(), Access: withToken(t, apiToken), TrustedProxies: trusted})
			resp := ask(t, h, http.MethodGet, "/", "", func(r *http.Request) {
				r.RemoteAddr = c.from
				r.Header["X-Forwarded-Prefix"] = c.prefixes
			})
			body := bodyOf(t, resp)
			policy := resp.Header.Get("Content-Security-Policy")
			if c.base == "" {
				assert.NotContains(t, body, "<base")
				assert.Contains(t, policy, "base-uri 'none'")
				return
			}
			assert.Contains(t, body, c.base)
			assert.Contains(t, policy, "base-uri 'self'")
		})
	}
}
