package httpapi

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
)

// guarded are requests that only those may make who may use the API.
var guarded = [][2]string{
	{http.MethodGet, "/v1/meetings"},
	{http.MethodGet, "/v1/meetings/a"},
	{http.MethodPut, "/v1/meetings/b"},
	{http.MethodDelete, "/v1/meetings/a"},
}

func TestWithoutATokenOnlyThisMachine(t *testing.T) {
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	host := func(name string) func(*http.Request) { return func(r *http.Request) { r.Host = name } }
	from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
	for name, c := range map[string]struct {
		change func(*http.Request)
		in     bool
	}{
		"as it is":                  {func(*http.Request) {}, true},
		"by name":                   {host("localhost:8080"), true},
		"by name, in capitals":      {host("LocalHost"), true},
		"IPv6":                      {func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:50000", "[::1]:8080" }, true},
		"IPv6 without a port":       {func(r *http.Request) { r.RemoteAddr, r.Host = "[::1]:50000", "[::1]" }, true},
		"IPv4 within IPv6":          {from("[::ffff:127.0.0.1]:50000"), true},
		"all of 127/8":              {func(r *http.Request) { r.RemoteAddr, r.Host = "127.1.2.3:1", "127.3.2.1" }, true},
		"another machine":           {from("192.0.2.1:50000"), false},
		"another machine, IPv6":     {from("[2001:db8::1]:50000"), false},
		"no address":                {from("@"), false},
		"a rebound name":            {host("evil.example:8080"), false},
		"a name that looks local":   {host("localhost.evil.example"), false},
		"a number that looks local": {host("127.0.0.1.evil.example"), false},
		"an address of the network": {host("192.0.2.7:8080"), false},
		"no name":                   {host(""), false},
		"a proxy":                   {header("X-Forwarded-For", "192.0.2.1"), false},
		"a proxy that hides":        {header("X-Forwarded-For", ""), false},
		"a proxy by the standard":   {header("Forwarded", "for=127.0.0.1"), false},
		"a proxy that names itself": {header("Via", "1.1 squid"), false},
		"nginx":                     {header("X-Real-IP", "127.0.0.1"), false},
		"a proxy with a prefix":     {header("X-Forwarded-Prefix", "/rollcall"), false},
		"a proxy of Alibaba":        {header("Ali-CDN-Real-IP", "192.0.2.1"), false},
		"a proxy of Cloudflare":     {header("CF-Ray", "1"), false},
		"a proxy that says little":  {header("X-Forwarded-Port", "443"), false},
		"a proxy with the path":     {header("X-Original-URI", "/v1/meetings"), false},
		"a proxy that logs in":      {header("X-Auth-Request-User", "ann"), false},
		"another that logs in":      {header("Remote-User", "ann"), false},
		"a proxy with its own name": {header("X-Forward-For", "192.0.2.1"), false},
		"a proxy of older times":    {header("Forwarded-For", "192.0.2.1"), false},
		"a proxy with TLS":          {header("X-SSL-Client-CN", "ann"), false},
		"a proxy of Akamai":         {header("Akamai-Origin-Hop", "1"), false},
		"a gateway":                 {header("X-Kong-Request-Id", "1"), false},
		"a program that traces":     {header("Traceparent", "00-1-1-00"), true},
		"a program that counts":     {header("X-Request-Id", "1"), true},
		"a silent proxy":            {func(r *http.Request) { r.Proto, r.ProtoMinor = "HTTP/1.0", 0 }, false},
		"a token where none is set": {header("Authorization", "Bearer anything"), true},
	} {
		for _, req := range guarded {
			t.Run(name+" "+req[0]+" "+req[1], func(t *testing.T) {
				resp := request(t, Options{Meetings: table(state(t, "a", ""))}, req[0], req[1], "", c.change)
				if c.in {
					assert.Less(t, resp.StatusCode, 300)
					return
				}
				assert.Contains(t, problemOf(t, resp, http.StatusForbidden), "ROLLCALL_API_TOKEN")
			})
		}
	}
}

func TestToken(t *testing.T) {
	const token = "s3cret-T0ken"
	for name, c := range map[string]struct {
		authorization string
		in            bool
	}{
		"right":                      {"Bearer " + token, true},
		"scheme in small letters":    {"bearer " + token, true},
		"space around":               {"Bearer   " + token + " ", true},
		"missing":                    {"", false},
		"wrong":                      {"Bearer s3cret-T0kem", false},
		"in small letters":           {"Bearer s3cret-t0ken", false},
		"a beginning of it":          {"Bearer s3cret", false},
		"it with more":               {"Bearer " + token + "x", false},
		"none":                       {"Bearer", false},
		"empty":                      {"Bearer ", false},
		"no scheme":                  {token, false},
		"another scheme":             {"Basic " + token, false},
		"a scheme that begins alike": {"Bearers " + token, false},
	} {
		for _, req := range guarded {
			t.Run(name+" "+req[0]+" "+req[1], func(t *testing.T) {
				opts := Options{Meetings: table(state(t, "a", "")), Access: withToken(t, token)}
				resp := request(t, opts, req[0], req[1], "", func(r *http.Request) {
					r.RemoteAddr, r.Host = "192.0.2.1:50000", "rollcall.example"
					if c.authorization != "" {
						r.Header.Set("Authorization", c.authorization)
					}
				})
				if c.in {
					assert.Less(t, resp.StatusCode, 300)
					return
				}
				assert.NotContains(t, problemOf(t, resp, http.StatusUnauthorized), token)
				assert.Equal(t, `Bearer realm="rollcall"`, resp.Header.Get("WWW-Authenticate"))
			})
		}
	}
}

func TestATokenIsNeededOnThisMachineToo(t *testing.T) {
	problemOf(t, request(t, Options{Meetings: table(), Access: withToken(t, "x")}, http.MethodGet, "/v1/meetings", ""), http.StatusUnauthorized)
}

func TestHealthIsOpenToAll(t *testing.T) {
	for _, target := range []string{"/livez", "/readyz", "/readyz?verbose"} {
		resp := request(t, Options{Meetings: table(), Access: withToken(t, "x")}, http.MethodGet, target, "", func(r *http.Request) {
			r.RemoteAddr, r.Host = "192.0.2.1:50000", "rollcall.example"
			r.Header.Set("X-Forwarded-For", "192.0.2.2")
		})
		assert.Equal(t, http.StatusOK, resp.StatusCode, target)
	}
}
