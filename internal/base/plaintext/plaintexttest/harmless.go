// Package plaintexttest checks what tests print.
package plaintexttest

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
)

// AssertHarmless makes sure that a terminal only shows the text.
func AssertHarmless(t *testing.T, text string) {
	t.Helper()
	assert.True(t, utf8.ValidString(text))
	for _, r := range text {
		joiner := r == '\u200c' || r == '\u200d'
		if !joiner && (unicode.IsControl(r) || unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp)) {
			assert.Failf(t, "a terminal may act on it", "%U in %q", r, text)
		}
	}
}
