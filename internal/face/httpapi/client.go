package httpapi

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// client is the address of who asks: where the request comes from or, of what trusted proxies hand
// on, the last address before them. Each proxy adds one behind the others, so that what the client
// has put there itself counts for nothing.
func (a *api) client(r *http.Request) netip.Addr {
	from, ok := addressIn(r.RemoteAddr)
	if !ok {
		return from
	}
	before := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, text := range slices.Backward(before) {
		next, ok := addressIn(strings.TrimSpace(text))
		if !a.trusted(from) || !ok {
			return from
		}
		from = next
	}
	return from
}

// addressIn reads an address that may have a port.
func addressIn(text string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(text); err == nil {
		text = host
	}
	address, err := netip.ParseAddr(strings.Trim(text, "[]"))
	return address.WithZone("").Unmap(), err == nil
}

// trusted tells whether an address is that of a proxy whose headers about the client are believed.
func (a *api) trusted(address netip.Addr) bool {
	return slices.ContainsFunc(a.opts.TrustedProxies, func(network netip.Prefix) bool { return network.Contains(address) })
}
