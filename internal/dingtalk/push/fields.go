package push

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// Bounds of texts in bytes. Those of nickname and title are the bounds of the member list and the meeting information,
// so that push and poll show the same.
const (
	maxNick  = 256
	maxTitle = 512
	maxWord  = 128 // of a type, an event id or a scene
)

// fields reads values and counts the odd ones.
type fields struct{ odd *wire.Oddities }

func (r fields) text(f wire.Field, raw jsontext.Value) string {
	text, reading := wire.Text(raw)
	r.odd.Note(f, reading)
	return text
}

// id is what identifies something; empty when it does not.
func (r fields) id(f wire.Field, raw jsontext.Value) string {
	text, reading := wire.AppendID(nil, raw)
	r.odd.Note(f, reading)
	return string(text)
}

// time is in Unix milliseconds; 0 when there is none, which is no error: a push without a time still says something.
func (r fields) time(f wire.Field, raw jsontext.Value) (at int64, readable bool) {
	at, reading := wire.Time(raw)
	r.odd.Note(f, reading)
	return at, reading != wire.Unreadable
}

// flag is false for what cannot be read: roles decide nothing that a look does not mend.
func (r fields) flag(f wire.Field, raw jsontext.Value) bool {
	value, reading := wire.Bool(raw)
	r.odd.Note(f, reading)
	return value
}

// copied is the text, cut to at most limit bytes, in memory of its own: it does not hold on to the push.
func copied(s string, limit int) string { return strings.Clone(plaintext.Cut(s, limit)) }
