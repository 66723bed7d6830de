package dingtalk

import (
	"errors"
	"fmt"
	"math"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// wireOptions are how every reply is read: one bad byte in a nickname must not void a page, and a name that comes
// twice counts the last time.
var wireOptions = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

var (
	errNotNumber = errors.New("not a number")
	errNotText   = errors.New("not a text")
	errNotBool   = errors.New("neither true nor false")
)

// maxTime is the last millisecond of the year 9999, beyond which RFC 3339 has no form.
const maxTime = 253402300799999

// absent reports whether a value was left out or is null.
func absent(raw jsontext.Value) bool { return len(raw) == 0 || raw.Kind() == 'n' }

// integer reads a number, truncated towards zero and kept within int64; whole is false when a fraction was dropped.
// An absent value and null are 0. Like the official SDK (github.com/alibabacloud-go/tea, json_parser.go) it takes a
// number in quotes for a number; anything else is an error rather than 0.
func integer(raw jsontext.Value) (n int64, whole bool, err error) {
	if absent(raw) {
		return 0, true, nil
	}
	switch raw.Kind() {
	case '0':
		return parseNumber(raw)
	case '"':
		if inner := jsontext.Value(unquote(nil, raw)); inner.Kind() == '0' && inner.IsValid() {
			return parseNumber(inner)
		}
	}
	return 0, false, errNotNumber
}

func parseNumber(raw jsontext.Value) (n int64, whole bool, err error) {
	if n, ok := parseDigits(raw); ok {
		return n, true, nil
	}
	text := string(raw)
	if n, err := strconv.ParseInt(text, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return n, true, nil
	}
	f, err := strconv.ParseFloat(text, 64)
	switch {
	case err != nil && !errors.Is(err, strconv.ErrRange):
		return 0, false, errNotNumber
	case f >= math.MaxInt64:
		return math.MaxInt64, true, nil
	case f <= math.MinInt64:
		return math.MinInt64, true, nil
	default:
		return int64(f), f == math.Trunc(f), nil
	}
}

// parseDigits is the short way for what every number of a member list looks like.
func parseDigits(raw []byte) (int64, bool) {
	if len(raw) == 0 || len(raw) > 18 {
		return 0, false
	}
	var n int64
	for _, c := range raw {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

// unixMilli reads a time in Unix milliseconds. What cannot be a time of the product, before 1970 or after the year
// 9999, is 0, which means "none given".
func unixMilli(raw jsontext.Value) (int64, error) {
	n, _, err := integer(raw)
	if n < 0 || n > maxTime {
		n = 0
	}
	return n, err
}

// boolean reads true or false, in quotes or not. An absent value and null are false.
func boolean(raw jsontext.Value) (bool, error) {
	switch string(raw) {
	case "true", `"true"`:
		return true, nil
	case "false", `"false"`, "null", "":
		return false, nil
	default:
		return false, errNotBool
	}
}

// appendText appends a text to dst. An absent value and null are empty, a number is its digits (a page token, for
// one, may well be a number), anything else is an error.
func appendText(dst []byte, raw jsontext.Value) ([]byte, error) {
	if absent(raw) {
		return dst, nil
	}
	switch raw.Kind() {
	case '"':
		return unquote(dst, raw), nil
	case '0':
		return append(dst, raw...), nil
	default:
		return dst, errNotText
	}
}

// textOf is a text for people: what is none is shown as it came.
func textOf(raw jsontext.Value) string {
	text, err := appendText(nil, raw)
	if err != nil {
		return string(raw)
	}
	return string(text)
}

// unquote appends the text of a JSON string that has been read by a decoder. The only error left to happen is invalid
// UTF-8, which then has been replaced by U+FFFD already.
func unquote(dst []byte, raw jsontext.Value) []byte {
	dst, _ = jsontext.AppendUnquote(dst, raw)
	return dst
}

// field names the field that an error is about.
func field(name string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", name, err)
}
