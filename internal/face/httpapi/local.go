package httpapi

import (
	"net"
	"net/http"
	"slices"
	"strings"
)

// forwarded are the headers that proxies put into the requests they pass on, and forwardedBy what
// the names of the others begin with.
var (
	forwarded = []string{
		"Via", "X-Via", "X-Real-Ip", "X-Real-Port", "X-Client-Ip", "X-Cluster-Client-Ip", "X-Coming-From",
		"Client-Ip", "Real-Ip", "True-Client-Ip", "Fastly-Client-Ip", "Fly-Client-Ip", "Ali-Cdn-Real-Ip", "Cdn-Loop",
		"Proxy-Client-Ip", "Wl-Proxy-Client-Ip", "Wl-Proxy-Ssl", "X-Host", "X-Scheme", "X-Url-Scheme", "X-Nginx-Proxy", "X-Rewrite-Url",
		"Front-End-Https", "Proxy-Connection", "X-Proxyuser-Ip", "X-Varnish", "X-Amzn-Trace-Id", "X-Amz-Cf-Id", "X-Bluecoat-Via", "Surrogate-Capability",
	}
	forwardedBy = []string{
		"Forwarded", "X-Forward", "Http-X-Forward", "Remote-", "X-Remote-", "X-Auth-Request-", "X-Authenticated-", "X-Original-", "X-Ssl", "Ssl-",
		"X-Envoy-", "X-Haproxy-", "X-Kong-", "X-Consumer-", "X-Azure-", "X-Arr-", "X-Appengine-", "X-Proxy-", "X-Gateway-", "X-Akamai-", "Akamai-",
		"Cloudfront-", "Cf-", "Tailscale-", "Eagleeye-",
	}
)

// local tells whether a request comes from this machine and was meant for it: not through a proxy
// that happens to run here, and not from a web page that had its own name resolved to this machine.
// Proxies speak HTTP/1.0 unless told otherwise, and browsers do not. One that speaks HTTP/1.1 and
// leaves no trace cannot be told from a client: in front of one a token has to be set.
func local(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil || !loopback(host) || !r.ProtoAtLeast(1, 1) {
		return false
	}
	for header := range r.Header {
		if slices.Contains(forwarded, header) || slices.ContainsFunc(forwardedBy, func(begin string) bool { return strings.HasPrefix(header, begin) }) {
			return false
		}
	}
	name := r.Host
	if h, _, err := net.SplitHostPort(name); err == nil {
		name = h
	}
	return loopback(strings.Trim(name, "[]"))
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback() || strings.EqualFold(host, "localhost")
}
