// Package wire reads the values of what DingTalk sends: the replies of its API and of the stream
// gateway, pushes, and the answers of robots. It is the one place that decides what a value means
// that is not of the documented type.
//
// It is as lenient as the official SDK (github.com/alibabacloud-go/tea 1.2.2, tea/json_parser.go),
// and more so where that stops at a number in quotes for a boolean, or takes a number with an
// exponent for its first digits. internal/testing/sdktest compares it with the SDK, value by value.
// Codes of failures are read more strictly, see [Code]. Names are matched with regard to case, as
// there. What a value that cannot be read means for what it is part of is its reader's to decide;
// here it is counted, see [Oddities].
package wire

import (
	"bytes"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Options are how everything from DingTalk is decoded: one bad byte in a nickname must not void a
// page, and a name that comes twice counts the last time.
var Options = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// AnyCase is Options where names are matched without regard to case, dashes and underscores.
var AnyCase = json.JoinOptions(Options, json.MatchCaseInsensitiveNames(true))

// Reading is how well a value could be read.
type Reading uint8

const (
	// Plain is a value of the documented type, or none: null, or a name that was left out.
	Plain Reading = iota
	// Odd is a value of another type whose meaning is clear all the same.
	Odd
	// Unreadable is a value that means nothing. It reads as none.
	Unreadable
)

// Missing reports whether a value was left out or is null.
func Missing(raw jsontext.Value) bool { return len(raw) == 0 || raw.Kind() == 'n' }

// None reports whether a value other than a boolean stands for no value: it is missing, a text of
// blanks or none, or false.
func None(raw jsontext.Value) bool {
	if Missing(raw) {
		return true
	}
	switch raw.Kind() {
	case '"':
		return len(bytes.TrimSpace(unquote(nil, raw))) == 0
	case 'f':
		return true
	default:
		return false
	}
}

// Empty recognises an object or a list of nothing. Some servers send either for the other.
func Empty(raw jsontext.Value) bool {
	kind := raw.Kind()
	return (kind == '{' || kind == '[') && len(raw) > 1 && len(bytes.TrimSpace(raw[1:len(raw)-1])) == 0
}

// unquote appends the text of a JSON string that has been read by a decoder. The only error left to
// happen is invalid UTF-8, which then has been replaced by U+FFFD already.
func unquote(dst []byte, raw jsontext.Value) []byte {
	dst, _ = jsontext.AppendUnquote(dst, raw)
	return dst
}

// Body is a body without the byte order mark that some put before it.
func Body(raw []byte) []byte { return bytes.TrimPrefix(raw, []byte("\ufeff")) }
