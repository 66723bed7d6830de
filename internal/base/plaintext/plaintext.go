// Package plaintext makes texts from outside fit for the place where they are shown.
package plaintext

import (
	"strings"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// The joiners are formatting characters that belong to ordinary words and emoji, and move nothing.
const (
	zeroWidthNonJoiner = '\u200c'
	zeroWidthJoiner    = '\u200d'
)

// Clean takes out of a text what a terminal would act on, the controls of text direction among it,
// and what is beyond limit characters.
func Clean(s string, limit int) string {
	var out strings.Builder
	n := 0
	for _, r := range s {
		if n++; n > limit {
			out.WriteRune('…')
			break
		}
		if actedOn(r) {
			r = unicode.ReplacementChar
		}
		out.WriteRune(r)
	}
	return out.String()
}

// Escaped writes what a terminal would act on in a JSON text as JSON's own escapes: the text means
// the same. Where there is nothing of the kind, as hardly ever is, it returns the text itself.
func Escaped(json []byte) []byte {
	const digits = "0123456789abcdef"
	var out []byte
	copied := 0 // how much of the text is in out
	for i := 0; i < len(json); {
		if c := json[i]; c >= ' ' && c < utf8.RuneSelf && c != '\x7f' {
			i++
			continue
		}
		r, size := utf8.DecodeRune(json[i:])
		if valid := r != utf8.RuneError || size > 1; valid && !actedOn(r) {
			i += size
			continue
		}
		out = append(out, json[copied:i]...)
		for _, unit := range utf16.AppendRune(nil, r) {
			out = append(out, '\\', 'u', digits[unit>>12], digits[unit>>8&15], digits[unit>>4&15], digits[unit&15])
		}
		i += size
		copied = i
	}
	if copied == 0 {
		return json
	}
	return append(out, json[copied:]...)
}

// actedOn tells whether a terminal may act on a character instead of showing it.
func actedOn(r rune) bool {
	switch r {
	case zeroWidthNonJoiner, zeroWidthJoiner:
		return false
	}
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.In(r, unicode.Zl, unicode.Zp)
}

// Line makes a text one line that is fit for a log or an error: no control characters, at most
// limit bytes.
func Line(text string, limit int) string { return Shorten(strings.Map(printable, text), limit) }

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// Shorten cuts a text to at most limit bytes, a mark at the end of what was cut included, without
// breaking a character.
func Shorten(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const mark = "…"
	return Cut(text, limit-len(mark)) + mark
}

// Cut cuts a text to at most limit bytes without breaking a character. What it returns shares the
// memory of the text.
func Cut[T ~string | ~[]byte](text T, limit int) T {
	if len(text) <= limit {
		return text
	}
	for limit > 0 && !utf8.RuneStart(text[limit]) {
		limit--
	}
	return text[:limit]
}
