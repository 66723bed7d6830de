package wire

import (
	"bytes"
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// firstMillis is the least number that is taken for milliseconds: what is below it are seconds. As
// milliseconds it is in 1973, as seconds in the year 5138.
const firstMillis = 100_000_000_000

// Bool reads true or false: also any number, where 0 is false, and the same in quotes, yes and no,
// in any case.
func Bool(raw jsontext.Value) (bool, Reading) {
	switch string(raw) {
	case "true":
		return true, Plain
	case "false", "null", "":
		return false, Plain
	}
	if raw.Kind() != '0' && raw.Kind() != '"' {
		return false, Unreadable
	}
	text := plainText(raw)
	switch strings.ToLower(text) {
	case "true", "yes":
		return true, Odd
	case "false", "no", "", "null":
		return false, Odd
	}
	if f, ok := parseFloat(text); ok {
		return f != 0, Odd
	}
	return false, Unreadable
}

// BoolGiven is Bool, and reports whether there is one: nothing stands for none, and neither does
// what cannot be read.
func BoolGiven(raw jsontext.Value) (value, given bool, r Reading) {
	value, r = Bool(raw)
	blank := Missing(raw) || raw.Kind() == '"' && None(raw)
	return value, !blank && r != Unreadable, r
}

// Int reads a whole number: also one with a fraction, which is cut off, or with an exponent, and
// the same in quotes; of a text that begins with digits those, and true as 1, as the official SDK
// does. What is beyond int64 is brought to its edge. What stands for no value is 0.
func Int(raw jsontext.Value) (int64, Reading) {
	n, r := Code(raw)
	if r != Unreadable {
		return n, r
	}
	switch raw.Kind() {
	case 't':
		return 1, Odd
	case '"':
		if n, ok := leadingDigits(plainText(raw)); ok {
			return n, Odd
		}
	}
	return 0, Unreadable
}

// Code is Int for what tells what went wrong: true is none, and neither is a word that begins with
// digits.
func Code(raw jsontext.Value) (int64, Reading) {
	if n, ok := parseDigits(raw); ok {
		return n, Plain
	}
	if None(raw) {
		return 0, plainIf(Missing(raw))
	}
	if raw.Kind() != '0' && raw.Kind() != '"' {
		return 0, Unreadable
	}
	text := plainText(raw)
	n, err := strconv.ParseInt(text, 10, 64)
	if err == nil || errors.Is(err, strconv.ErrRange) {
		return n, plainIf(err == nil && raw.Kind() == '0')
	}
	if f, ok := parseFloat(text); ok {
		return toInt(f), Odd
	}
	return 0, Unreadable
}

// Time reads a time in Unix milliseconds. What is below 10^11 are seconds, perhaps with a fraction.
// What cannot be a time of the product, before 1970 or after the year 9999, is 0, "none given", and
// so is what stands for no value, and true. A text may also be a time as in RFC 3339, or begin with
// digits, which count as for [Int].
func Time(raw jsontext.Value) (int64, Reading) {
	if n, ok := parseDigits(raw); ok {
		at := Millis(n)
		return at, plainIf(at == n)
	}
	if None(raw) {
		return 0, plainIf(Missing(raw))
	}
	switch raw.Kind() {
	case '0', '"':
		return timeOf(plainText(raw))
	case 't':
		return 0, Odd
	default:
		return 0, Unreadable
	}
}

// timeOf reads a time that is not plain.
func timeOf(text string) (int64, Reading) {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return Millis(n), Odd
	}
	f, ok := parseFloat(text)
	if !ok {
		if at, err := time.Parse(time.RFC3339, text); err == nil {
			return InTime(at.UnixMilli()), Odd
		}
		n, ok := leadingDigits(text)
		if !ok {
			return 0, Unreadable
		}
		return Millis(n), Odd
	}
	if f > 0 && f < firstMillis {
		return int64(math.Round(f * 1000)), Odd
	}
	return Millis(toInt(f)), Odd
}

// Millis is a time in milliseconds that was given in those or in seconds, or 0 for what can be
// none.
func Millis(n int64) int64 {
	if n > 0 && n < firstMillis {
		return n * 1000
	}
	return InTime(n)
}

// InTime is a time in milliseconds, or 0 for what can be none.
func InTime(n int64) int64 {
	if n < 0 || n > MaxTime {
		return 0
	}
	return n
}

// AppendText appends a text to dst: also a number, as it is written, and true. What stands for no
// value is empty.
func AppendText(dst []byte, raw jsontext.Value) ([]byte, Reading) {
	if Missing(raw) {
		return dst, Plain
	}
	switch raw.Kind() {
	case '"':
		return unquote(dst, raw), Plain
	case '0', 't':
		return append(dst, raw...), Odd
	case 'f':
		return dst, Odd
	default:
		return dst, Unreadable
	}
}

// Text is AppendText to nothing.
func Text(raw jsontext.Value) (string, Reading) {
	text, r := AppendText(nil, raw)
	return string(text), r
}

// AppendID appends what identifies somebody or something. It is AppendText, but that true is no id:
// all who have it in place of one would be taken for one person.
func AppendID(dst []byte, raw jsontext.Value) ([]byte, Reading) {
	if len(raw) > 0 && raw.Kind() == 't' {
		return dst, Unreadable
	}
	return AppendText(dst, raw)
}

// plainText is the text of a number, or of one in quotes without blanks around it.
func plainText(raw jsontext.Value) string {
	if raw.Kind() != '"' {
		return string(raw)
	}
	return string(bytes.TrimSpace(unquote(nil, raw)))
}

func plainIf(plain bool) Reading {
	if plain {
		return Plain
	}
	return Odd
}

// parseDigits is the short way for what nearly every number looks like.
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

// leadingDigits is the whole number that a text begins with, if it does.
func leadingDigits(text string) (int64, bool) {
	digits := strings.TrimPrefix(text, "-")
	digits = digits[:len(digits)-len(strings.TrimLeft(digits, "0123456789"))]
	if digits == "" {
		return 0, false
	}
	n, _ := strconv.ParseInt(digits, 10, 64) // out of range it is the edge
	if text[0] == '-' {
		n = -n
	}
	return n, true
}

// parseFloat reads a decimal number. What is beyond a float is an infinity.
func parseFloat(text string) (float64, bool) {
	if text == "" || strings.Trim(text, "+-.0123456789eE") != "" {
		return 0, false // ParseFloat also takes "inf", "nan" and hexadecimal numbers
	}
	f, err := strconv.ParseFloat(text, 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}

// toInt cuts off the fraction and keeps within int64.
func toInt(f float64) int64 {
	switch {
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	default:
		return int64(f)
	}
}
