package bot

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// How much of a text from outside is shown, in characters.
const (
	maxName  = 40
	maxTitle = 60
)

// lookalikes take the place of the characters that Markdown or HTML acts on, or that mention
// people. Which escapes DingTalk's clients know is nowhere documented; these mean nothing to any of
// them.
var lookalikes = map[rune]rune{
	'\\': '＼', '`': '｀', '*': '＊', '_': '＿', '[': '［', ']': '］', '<': '＜', '>': '＞', '#': '＃', '~': '～', '|': '｜', '@': '＠',
	'&': '＆',
}

// midDot takes the place of dots in what may be taken for a domain. Unlike the look-alikes of a dot
// it is none to any program.
const midDot = '·'

// plain makes a text from outside one line of at most limit characters that nothing acts on, and of
// which no client makes a link.
func plain(text string, limit int) string {
	text = plaintext.Clean(strings.Join(strings.Fields(text), " "), limit)
	text = addresses.ReplaceAllStringFunc(text, func(ip string) string { return strings.ReplaceAll(ip, ".", string(midDot)) })
	runes := []rune(text)
	var out strings.Builder
	for i, r := range runes {
		other, acts := lookalikes[r]
		switch {
		case r == '_' && within(runes, i):
		case acts:
			r = other
		case r == ':' && endsScheme(runes, i):
			r = '：'
		case joinsDomain(runes, i):
			r = midDot
		}
		out.WriteRune(r)
	}
	return out.String()
}

// addresses are those of IP, version 4.
var addresses = regexp.MustCompile(`[0-9]{1,3}(\.[0-9]{1,3}){3}`)

// endsScheme tells whether the colon at i ends the scheme of a link, as in https: and mailto:, and
// not a word, after which there is a space, or the hours of a time.
func endsScheme(runes []rune, i int) bool {
	return i+1 < len(runes) && !unicode.IsSpace(runes[i+1]) && (runes[i+1] == '/' || i > 0 && unicode.IsLetter(runes[i-1]))
}

// joinsDomain tells whether at i is a dot of what may be the name of a domain, which may also end
// in an emoji or an accent of its own before the dot. The full stops of Chinese are dots to
// browsers, too, between letters of ASCII.
func joinsDomain(runes []rune, i int) bool {
	if i == 0 || i+1 == len(runes) {
		return false
	}
	before, after := runes[i-1], runes[i+1]
	switch runes[i] {
	case '.':
		return before != '.' && !unicode.IsSpace(before) && (unicode.IsLetter(after) || unseen(after))
	case '。', '．', '｡':
		return before < utf8.RuneSelf && after < utf8.RuneSelf && inWord(before) && unicode.IsLetter(after)
	}
	return false
}

// unseen tells whether a character only changes others, so that a client may look past it.
func unseen(r rune) bool { return unicode.IsMark(r) || unicode.Is(unicode.Cf, r) }

// within tells whether the character at i is in the middle of a word.
func within(runes []rune, i int) bool {
	return i > 0 && i+1 < len(runes) && inWord(runes[i-1]) && inWord(runes[i+1])
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
