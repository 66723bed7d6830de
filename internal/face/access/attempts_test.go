package access

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestAttempts(t *testing.T) {
	var a attempts
	at := time.Unix(1_800_000_000, 0)
	from := netip.MustParseAddr
	for i := range wrongOnes {
		assert.Zero(t, a.wrong(from("192.0.2.1"), at.Add(time.Duration(i)*time.Second)))
	}
	now := at.Add(wrongOnes * time.Second)
	assert.Equal(t, 50*time.Second, a.wrong(from("192.0.2.1"), now))
	assert.NotZero(t, a.wrong(from("::ffff:192.0.2.1"), now), "the same in IPv6")
	assert.Zero(t, a.wrong(from("192.0.2.2"), now))
	assert.NotZero(t, a.wrong(from("192.0.2.1"), at.Add(time.Minute-1)))
	assert.Zero(t, a.wrong(from("192.0.2.1"), at.Add(time.Minute)), "the first is a minute ago")
	assert.NotZero(t, a.wrong(from("192.0.2.1"), at.Add(time.Minute)))

	// Whoever has an IPv6 network cannot try once from each of its addresses.
	for range wrongOnes {
		assert.Zero(t, a.wrong(from("2001:db8::1"), now))
	}
	assert.NotZero(t, a.wrong(from("2001:db8::2"), now))
	assert.Zero(t, a.wrong(from("2001:db8:0:1::1"), now))
}

func TestAttemptsAreBounded(t *testing.T) {
	var a attempts
	at := time.Unix(1_800_000_000, 0)
	var address [4]byte
	for i := range 3 * maxAddresses {
		address[0], address[1], address[2] = byte(i), byte(i>>8), byte(i>>16)
		a.wrong(netip.AddrFrom4(address), at)
	}
	assert.LessOrEqual(t, len(a.from), maxAddresses)
}
