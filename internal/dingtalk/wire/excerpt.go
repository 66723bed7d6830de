package wire

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxExcerpt bounds an excerpt, in bytes.
	maxExcerpt = 160
	// ExcerptInput is how much of a body an excerpt is made from, in bytes. It is far more than an excerpt, so that no
	// secret near its end is cut in two and overlooked.
	ExcerptInput = 16 << 10
)

// Excerpt says in one line what a body is that could not be read: how a page or a text begins, or that it is JSON, of
// which nothing is shown: it may be a list of people. redact takes secrets out.
func Excerpt(body []byte, redact func(string) string) string {
	body = bytes.TrimLeftFunc(body, func(r rune) bool { return unicode.IsSpace(r) || r == '\ufeff' || r == utf8.RuneError })
	if len(body) == 0 {
		return ""
	}
	if strings.IndexByte(`{["`, body[0]) >= 0 {
		return fmt.Sprintf("JSON of %d bytes", len(body))
	}
	text := redact(string(body[:min(len(body), ExcerptInput)]))
	text, _, _ = strings.Cut(text, "{") // what a page embeds may be JSON, too
	text, _, _ = strings.Cut(text, "[{")
	return Clean(strings.Join(strings.Fields(text), " "), maxExcerpt)
}

// Clean makes a text of DingTalk's fit for a log: no control characters, at most limit bytes.
func Clean(text string, limit int) string {
	return Cut(strings.Map(printable, text), limit)
}

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// Cut shortens text to at most limit bytes, a mark included, without breaking a character.
func Cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	const mark = "…"
	end := limit - len(mark)
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end] + mark
}
