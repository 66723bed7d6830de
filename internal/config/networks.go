package config

import (
	"fmt"
	"net/netip"
	"strings"
)

// Networks are networks of IP addresses; a single address is a network of its own.
type Networks []netip.Prefix

// String returns the networks with commas between.
func (n Networks) String() string {
	out := make([]string, len(n))
	for i, network := range n {
		out[i] = network.String()
	}
	return strings.Join(out, ",")
}

func parseNetworks(text string) (Networks, error) {
	if text == "" {
		return nil, nil
	}
	var networks Networks
	for part := range strings.SplitSeq(text, ",") {
		part = strings.TrimSpace(part)
		network, err := netip.ParsePrefix(part)
		if address, single := netip.ParseAddr(part); single == nil && address.Zone() == "" {
			address = address.Unmap() // as those of requests are
			network, err = address.Prefix(address.BitLen())
		}
		if err != nil {
			return nil, fmt.Errorf("%q is no address or network such as 10.0.0.7 or 10.0.0.0/8", part)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}
