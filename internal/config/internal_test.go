package config

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNearest(t *testing.T) {
	candidates := []string{"log_level", "log_format", "listen", "retention", "ca"}
	for word, want := range map[string]string{
		"log_levl": "log_level", "lsiten": "listen", "retentoin": "retention", "log": "", "xx": "", "c": "", "": "",
	} {
		assert.Equal(t, want, nearest(word, candidates), word)
	}
}

func TestDistanceIsAMetric(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ab]{0,6}`)
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		require.Equal(t, a == b, distance(a, b) == 0)
		require.Equal(t, distance(a, b), distance(b, a))
		require.LessOrEqual(t, distance(a, c), distance(a, b)+distance(b, c))
		require.LessOrEqual(t, distance(a, b), max(len(a), len(b)))
		require.GreaterOrEqual(t, distance(a, b), max(len(a), len(b))-min(len(a), len(b)))
	})
}

// FuzzSettingsFile holds the reading of settings files to: no panic, one line of error that begins
// with the place, and every value as it is written.
func FuzzSettingsFile(f *testing.F) {
	for _, seed := range []string{"", "a: b", "a: *x", "a: !t v", "a: [1]\n", "? {}\n: x", "a: 1\n---\nb: 2", "\xff", "a: |\n  x\n", "<<: {a: b}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		entries, err := parseSettings(content)
		if err != nil {
			assert.True(t, strings.HasPrefix(err.Error(), ":"), err)
			assert.Nil(t, entries)
		}
		for key, e := range entries {
			assert.Positive(t, e.line, key)
		}
	})
}

// FuzzValues holds the readers of values to: no panic, and no value that their own writing does not
// give again.
func FuzzValues(f *testing.F) {
	for _, seed := range []string{"", "1s", "nats://u:p@h:1,x", "[::1]:80", "https://h/p", "0.5", ":", "@", "://@"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseDuration(text); err == nil {
			again, err := parseDuration(shortDuration(d))
			assert.NoError(t, err)
			assert.Equal(t, d, again)
		}
		if servers, err := ParseServers(text); err == nil && !strings.Contains(text, "@") {
			again, err := ParseServers(servers.String())
			assert.NoError(t, err)
			assert.Equal(t, servers, again)
		}
		if u, err := parseURL(text); err == nil {
			again, err := parseURL(u.String())
			assert.NoError(t, err)
			assert.Equal(t, u.String(), again.String())
		}
		if address, err := parseAddress(text); err == nil {
			assert.Equal(t, text, string(address))
		}
	})
}
