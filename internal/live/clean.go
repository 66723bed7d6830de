package live

import (
	"strings"
	"unicode"
	"unicode/utf16"
)

// The joiners are formatting characters that belong to ordinary words and emoji, and move nothing.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// Clean takes out of a text what a terminal would act on, the controls of text direction among it, and what is beyond
// limit characters.
func Clean(s string, limit int) string {
	var out strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			out.WriteRune('…')
			break
		}
		if acted(r) {
			r = unicode.ReplacementChar
		}
		out.WriteRune(r)
	}
	return out.String()
}

// Escaped writes what a terminal would act on in a JSON text as JSON's own escapes: the text means the same.
func Escaped(json []byte) []byte {
	const digits = "0123456789abcdef"
	out := make([]byte, 0, len(json))
	for _, r := range string(json) {
		if !acted(r) {
			out = append(out, string(r)...)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			out = append(out, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
		}
	}
	return out
}

// acted tells whether a terminal may act on a character instead of showing it.
func acted(r rune) bool {
	switch r {
	case zeroWidthNonJoiner, zeroWidthJoiner:
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.In(r, unicode.Zl, unicode.Zp)
}
