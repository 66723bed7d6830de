package access

import (
	"net/netip"
	"sync"
	"time"
)

const (
	// wrongOnes of an address in a span are answered as such; further ones have to wait.
	wrongOnes = 10
	wrongSpan = time.Minute
	// maxAddresses bounds those that are remembered.
	maxAddresses = 4096
	// network6 is how many bits of an IPv6 address are one customer's, who has all that begin with
	// them.
	network6 = 64
)

// attempts count the wrong tokens of each address. The zero value is ready for use.
type attempts struct {
	mu   sync.Mutex
	from map[netip.Addr]*[wrongOnes]time.Time // the latest first
}

// wrong takes note of a wrong token, and returns how long the address has to wait until the next
// one is looked at; 0 when this one still was. One that has to wait is not counted.
func (a *attempts) wrong(from netip.Addr, now time.Time) time.Duration {
	from = from.Unmap().WithZone("")
	if from.Is6() {
		if network, err := from.Prefix(network6); err == nil {
			from = network.Addr()
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	times := a.from[from]
	if times == nil {
		a.tidy(now)
		times = new([wrongOnes]time.Time)
		a.from[from] = times
	}
	if wait := wrongSpan - now.Sub(times[wrongOnes-1]); wait > 0 {
		return wait
	}
	copy(times[1:], times[:])
	times[0] = now
	return 0
}

// tidy makes room for another address: first it forgets those whose attempts are long ago, then
// any.
func (a *attempts) tidy(now time.Time) {
	if a.from == nil {
		a.from = map[netip.Addr]*[wrongOnes]time.Time{}
	}
	if len(a.from) < maxAddresses {
		return
	}
	for from, times := range a.from {
		if now.Sub(times[0]) >= wrongSpan {
			delete(a.from, from)
		}
	}
	for from := range a.from {
		if len(a.from) < maxAddresses {
			return
		}
		delete(a.from, from)
	}
}
