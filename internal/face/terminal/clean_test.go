package terminal_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/face/terminal"
)

// assertHarmless makes sure that a terminal only shows the text.
func assertHarmless(t *testing.T, text string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text))
	for _, r := range text {
		joiner := r == '\u200c' || r == '\u200d'
		if !joiner && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			assert.Failf(t, "a terminal may act on it", "%U in %q", r, text)
		}
	}
}

func TestCleanKeepsTheLimit(t *testing.T) {
	assert.Equal(t, "abc", terminal.Clean("abc", 3))
	assert.Equal(t, "abc…", terminal.Clean("abcd", 3))
	assert.Equal(t, "周会…", terminal.Clean("周会周会", 2))
	assert.Empty(t, terminal.Clean("", 3))
}

func TestEscapedMeansTheSame(t *testing.T) {
	hostile := "A\u009b2J\u202e\U000e0041 周\u200d"
	raw := []byte(`{"data":{"userNick":"` + hostile + `"}}`)
	escaped := terminal.Escaped(raw)
	assert.Equal(t, `{"data":{"userNick":"A\u009b2J\u202e\udb40\udc41 周`+"\u200d"+`"}}`, string(escaped))
	assert.JSONEq(t, string(raw), string(escaped))
	plain := []byte(`{"userNick":"Ann 周会"}`)
	assert.Equal(t, plain, terminal.Escaped(plain))
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[2J周\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		clean := terminal.Clean(s, 20)
		assertHarmless(t, clean)
		assert.LessOrEqual(t, utf8.RuneCountInString(clean), 21)
	})
}

func FuzzEscaped(f *testing.F) {
	f.Add("\u009b2J周\u202e\U000e0041")
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := json.Marshal(strings.ToValidUTF8(s, "?"))
		require.NoError(t, err)
		escaped := terminal.Escaped(raw)
		assertHarmless(t, string(escaped))
		assert.JSONEq(t, string(raw), string(escaped))
	})
}
