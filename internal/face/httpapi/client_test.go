package httpapi

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/stretchr/testify/assert"
)

// What a client writes into X-Forwarded-For itself stands before what proxies add.
func TestOnlyTrustedProxiesNameTheClient(t *testing.T) {
	a := &api{opts: Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("fd00::1/128")}}}
	for name, c := range map[string]struct {
		from      string
		forwarded []string
		client    string
	}{
		"nobody in between":              {"192.0.2.7:5000", nil, "192.0.2.7"},
		"a proxy that says nothing":      {"10.1.0.1:5000", nil, "10.1.0.1"},
		"a proxy":                        {"10.1.0.1:5000", []string{"192.0.2.7"}, "192.0.2.7"},
		"two proxies":                    {"10.1.0.1:5000", []string{"192.0.2.7, 10.1.0.2"}, "192.0.2.7"},
		"proxies alone":                  {"10.1.0.1:5000", []string{"10.1.0.3, 10.1.0.2"}, "10.1.0.3"},
		"not trusted":                    {"192.0.2.1:5000", []string{"192.0.2.7"}, "192.0.2.1"},
		"put there by the client":        {"10.1.0.1:5000", []string{"198.51.100.1, 192.0.2.7"}, "192.0.2.7"},
		"put there as a trusted one":     {"10.1.0.1:5000", []string{"10.1.0.9, 192.0.2.7"}, "192.0.2.7"},
		"put there in a line of its own": {"10.1.0.1:5000", []string{"198.51.100.1", "192.0.2.7"}, "192.0.2.7"},
		"a proxy that is not trusted":    {"10.1.0.1:5000", []string{"198.51.100.1, 192.0.2.1, 10.1.0.2"}, "192.0.2.1"},
		"no address":                     {"10.1.0.1:5000", []string{"198.51.100.1, unknown"}, "10.1.0.1"},
		"an empty one":                   {"10.1.0.1:5000", []string{"198.51.100.1, "}, "10.1.0.1"},
		"with a port":                    {"10.1.0.1:5000", []string{"192.0.2.7:1234"}, "192.0.2.7"},
		"IPv6 with a port":               {"[fd00::1%eth0]:5000", []string{"[2001:db8::7]:1234"}, "2001:db8::7"},
		"IPv4 within IPv6":               {"[::ffff:10.1.0.1]:5000", []string{"::ffff:192.0.2.7"}, "192.0.2.7"},
	} {
		t.Run(name, func(t *testing.T) {
			r := httptest.NewRequest(http.MethodGet, "/v1/meetings", nil)
			r.RemoteAddr = c.from
			for _, line := range c.forwarded {
				r.Header.Add("X-Forwarded-For", line)
			}
			assert.Equal(t, netip.MustParseAddr(c.client), a.client(r))
		})
	}
}
