package bot

import (
	"strings"
	"unicode"

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
}

// plain makes a text from outside one line of at most limit characters that nothing acts on.
func plain(text string, limit int) string {
	text = plaintext.Clean(strings.Join(strings.Fields(text), " "), limit)
	text = strings.ReplaceAll(text, "://", "：//") // which clients would make a link of
	runes := []rune(text)
	var out strings.Builder
	for i, r := range runes {
		if other, acts := lookalikes[r]; acts && !(r == '_' && within(runes, i)) {
			r = other
		}
		out.WriteRune(r)
	}
	return out.String()
}

// within tells whether the character at i is in the middle of a word.
func within(runes []rune, i int) bool {
	return i > 0 && i+1 < len(runes) && inWord(runes[i-1]) && inWord(runes[i+1])
}

func inWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
