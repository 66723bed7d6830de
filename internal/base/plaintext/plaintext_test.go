package plaintext_test

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/base/plaintext/plaintexttest"
)

func TestCleanKeepsTheLimit(t *testing.T) {
	assert.Equal(t, "abc", plaintext.Clean("abc", 3))
	assert.Equal(t, "abc…", plaintext.Clean("abcd", 3))
	assert.Equal(t, "周会…", plaintext.Clean("周会周会", 2))
	assert.Empty(t, plaintext.Clean("", 3))
}

func TestEscapedMeansTheSame(t *testing.T) {
	hostile := "A\u009b2J\u202e\U000e0041 周\u200d"
	raw := []byte(`{"data":{"userNick":"` + hostile + `"}}`)
	escaped := plaintext.Escaped(raw)
	assert.Equal(t, `{"data":{"userNick":"A\u009b2J\u202e\udb40\udc41 周`+"\u200d"+`"}}`, string(escaped))
	assert.JSONEq(t, string(raw), string(escaped))
	plain := []byte(`{"userNick":"Ann 周会"}`)
	assert.Equal(t, plain, plaintext.Escaped(plain))
}

func TestShortenNeverBreaksACharacter(t *testing.T) {
	assert.Equal(t, "abc", plaintext.Shorten("abc", 3))
	assert.Equal(t, "a…", plaintext.Shorten("a中中", 6))
	assert.Equal(t, "abc…", plaintext.Shorten("abcdefgh", 6))
}

func TestCutNeverBreaksACharacter(t *testing.T) {
	assert.Equal(t, "abc", string(plaintext.Cut([]byte("abc"), 3)))
	assert.Equal(t, "ab", string(plaintext.Cut([]byte("ab中"), 4)))
	assert.Equal(t, "ab中", string(plaintext.Cut([]byte("ab中"), 5)))
	assert.Empty(t, plaintext.Cut([]byte("中"), 2))
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[2J周\u202e")
	f.Fuzz(func(t *testing.T, s string) {
		clean := plaintext.Clean(s, 20)
		plaintexttest.AssertHarmless(t, clean)
		assert.LessOrEqual(t, utf8.RuneCountInString(clean), 21)
	})
}

func FuzzEscaped(f *testing.F) {
	f.Add("\u009b2J周\u202e\U000e0041")
	f.Fuzz(func(t *testing.T, s string) {
		raw, err := json.Marshal(strings.ToValidUTF8(s, "?"))
		require.NoError(t, err)
		escaped := plaintext.Escaped(raw)
		plaintexttest.AssertHarmless(t, string(escaped))
		assert.JSONEq(t, string(raw), string(escaped))
	})
}
