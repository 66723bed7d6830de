package config

import (
	"errors"
	"log/slog"
)

// mask is what every secret prints as, whatever its length.
const mask = "********"

// Secret is a value that never shows itself: every way to print, log or encode it gives a mask, or
// nothing when it is empty. Only [Secret.Reveal] and a conversion to string give the value.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String returns the mask.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return mask
}

// GoString returns the mask, for the %#v verb.
func (s Secret) GoString() string { return `"` + s.String() + `"` }

// MarshalText returns the mask, for JSON and every other encoding that knows
// encoding.TextMarshaler.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML returns the mask.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue returns the mask, for log/slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

var errMask = errors.New("is only the mask that secrets are printed as, not the secret")

func parseSecret(text string) (Secret, error) {
	if text == mask {
		return "", errMask
	}
	return Secret(text), nil
}
