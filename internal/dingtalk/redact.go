package dingtalk

import (
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// Bounds of the texts that errors repeat, in bytes.
const (
	maxCode         = 120
	maxMessage      = 300
	maxExcerpt      = 160
	maxExcerptInput = 4 * maxTokenLength // of the body that an excerpt is made from: no secret is cut in two near its beginning
	minSecret       = 4                  // shorter ones would blank out ordinary words
	maxTokens       = 4                  // recent access tokens to watch for; a late reply may repeat an old one
)

// secrets knows what must not be repeated to anybody: the server's texts are free to contain what it was sent.
type secrets struct {
	fixed []string

	mu     sync.RWMutex
	tokens []string
}

func newSecrets(fixed ...string) *secrets {
	return &secrets{fixed: slices.DeleteFunc(fixed, func(s string) bool { return len(s) < minSecret })}
}

// add remembers an access token.
func (s *secrets) add(token string) {
	if len(token) < minSecret {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if slices.Contains(s.tokens, token) {
		return
	}
	if len(s.tokens) == maxTokens {
		s.tokens = slices.Delete(s.tokens, 0, 1)
	}
	s.tokens = append(s.tokens, token)
}

func (s *secrets) redact(text string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, known := range [][]string{s.fixed, s.tokens} {
		for _, secret := range known {
			text = strings.ReplaceAll(text, secret, "[redacted]")
		}
	}
	return text
}

// clean makes a server's text fit for an error: no secret, no control characters, at most limit bytes.
func (s *secrets) clean(text string, limit int) string {
	return cut(strings.Map(printable, s.redact(text)), limit)
}

// excerpt is the beginning of a body that could not be read, in one line.
func (s *secrets) excerpt(body []byte) string {
	text := s.redact(string(body[:min(len(body), maxExcerptInput)]))
	return s.clean(strings.Join(strings.Fields(text), " "), maxExcerpt)
}

// error gives err a text without secrets and keeps it as the cause.
func (s *secrets) error(err error) error {
	text := err.Error()
	if cleaned := s.clean(text, maxMessage); cleaned != text {
		return &cleanError{text: cleaned, err: err}
	}
	return err
}

// cleanError is an error with another text.
type cleanError struct {
	text string
	err  error
}

func (e *cleanError) Error() string { return e.text }
func (e *cleanError) Unwrap() error { return e.err }

func printable(r rune) rune {
	if unicode.IsPrint(r) {
		return r
	}
	return ' '
}

// cut shortens text to at most limit bytes without breaking a character.
func cut(text string, limit int) string {
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
