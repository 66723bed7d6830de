package wire

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

const (
	// maxExcerpt bounds an excerpt, in bytes.
	maxExcerpt = 160
	// ExcerptInput is how much of a body an excerpt is made from, in bytes. It is far more than an
	// excerpt, so that no secret near its end is cut in two and overlooked.
	ExcerptInput = 16 << 10
)

// Excerpt says in one line what a body is that could not be read: how a page or a text begins, or
// that it is JSON, of which nothing is shown: it may be a list of people. redact takes secrets out.
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
	return plaintext.Line(strings.Join(strings.Fields(text), " "), maxExcerpt)
}
