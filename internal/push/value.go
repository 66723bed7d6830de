package push

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of texts in bytes. Those of nickname and title are the bounds of the member list and the meeting information,
// so that push and poll show the same.
const (
	maxNick  = 256
	maxTitle = 512
	maxWord  = 128 // of a type, an event id or a scene
)

// maxTime is the last millisecond of the year 9999, beyond which RFC 3339 has no form.
const maxTime = 253402300799999

// millis is a time in Unix milliseconds. Like the official SDKs it takes a number in quotes for a number. What is no
// time at all, before 1970 or after the year 9999, is 0, "none given": a push without a time still says something.
type millis int64

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (m *millis) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	*m = parseMillis(unquoted(raw))
	return nil
}

func parseMillis(text string) millis {
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return inRange(n)
	}
	// 1.663143335567E12 is a number too.
	if f, err := strconv.ParseFloat(text, 64); err == nil && f >= 0 && f <= maxTime {
		return millis(f)
	}
	return 0
}

// inRange is a time, or 0 for what can be none.
func inRange(n int64) millis {
	if n < 0 || n > maxTime {
		return 0
	}
	return millis(n)
}

// flag is true or false, in quotes or not. Anything else is false: roles decide nothing that a look does not mend.
type flag bool

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (f *flag) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	*f = unquoted(raw) == "true"
	return nil
}

// text is a string, or a number as its digits: bizType comes as either, and so may others. Anything else is empty.
type text string

// UnmarshalJSONFrom implements json.UnmarshalerFrom.
func (t *text) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	*t = ""
	if kind := raw.Kind(); kind == '"' || kind == '0' {
		*t = text(unquoted(raw))
	}
	return nil
}

// unquoted is the text of a JSON string, and any other value as it is written. Invalid UTF-8 becomes U+FFFD.
func unquoted(raw jsontext.Value) string {
	if raw.Kind() != '"' {
		return string(raw)
	}
	b, _ := jsontext.AppendUnquote(nil, raw)
	return string(b)
}

// bounded shortens a text to at most limit bytes without breaking a character. The copy does not hold on to the push.
func (t text) bounded(limit int) string {
	s := string(t)
	if len(s) > limit {
		for limit > 0 && !utf8.RuneStart(s[limit]) {
			limit--
		}
		s = s[:limit]
	}
	return strings.Clone(s)
}
