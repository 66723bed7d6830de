package config

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReserve(t *testing.T) {
	const disk = 10 << 30
	for text, want := range map[string]uint64{
		"0":       0,
		"0%":      0,
		"5%":      disk / 20,
		"0.1%":    64 << 20,
		"99.5%":   disk * 995 / 1000,
		"64MB":    64_000_000,
		"64 MB":   64_000_000,
		"1.5GiB":  3 << 29,
		"100KB":   100_000,
		"2TiB":    2 << 40,
		"1000KiB": 1000 << 10,
	} {
		r, err := ParseReserve(text)
		require.NoError(t, err)
		assert.InDelta(t, want, r.Floor(disk), 1, text)
		assert.Equal(t, text, r.String())
	}
	assert.Zero(t, Reserve{}.Floor(disk))
	for _, text := range []string{"", "5", "64", "5 percent", "-5%", "100%", "101%", "64M", "64mb", "1e3MB", "%", "MB", "NaN%", "5%%", "9999999999TB", "0x10MB"} {
		_, err := ParseReserve(text)
		assert.Error(t, err, text)
	}
}
