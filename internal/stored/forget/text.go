package forget

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Tells says whether a text that is kept with an erasure tells of whom it was: it has the unionId or
// nickname in it, as a word of its own. In scripts that put no space between words it may stand
// anywhere.
func Tells(text, name string) bool {
	if name == "" {
		return false
	}
	for at := 0; ; {
		i := strings.Index(text[at:], name)
		if i < 0 {
			return false
		}
		begin := at + i
		end := begin + len(name)
		before, _ := utf8.DecodeLastRuneInString(text[:begin])
		after, _ := utf8.DecodeRuneInString(text[end:])
		if !joins(before) && !joins(after) {
			return true
		}
		at = begin + 1
	}
}

// joins tells whether what stands beside a name makes it part of a longer word.
func joins(r rune) bool {
	if unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai) {
		return false
	}
	return r != utf8.RuneError && (unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_' || r == '-')
}
