package api

import (
	"slices"
	"strings"
	"sync"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// Bounds of the texts that errors repeat, in bytes.
const (
	maxCode    = 120
	maxMessage = 300
	minSecret  = 4 // shorter ones would blank out ordinary words
	maxTokens  = 4 // recent access tokens to watch for; a late reply may repeat an old one
)

// secrets knows what must not be repeated to anybody: the server's texts are free to contain what
// it was sent.
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

// clean makes a server's text fit for an error: no secret, no control characters, at most limit
// bytes.
func (s *secrets) clean(text string, limit int) string { return plaintext.Line(s.redact(text), limit) }

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
