package wire

import (
	"math"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
)

// Reader reads values and counts the odd ones. What it returns shares no memory with what it read.
type Reader struct{ Odd *Oddities }

// Text is a text of at most limit bytes.
func (r Reader) Text(f Field, raw jsontext.Value, limit int) string {
	text, reading := AppendText(nil, raw)
	r.Odd.Note(f, reading)
	return string(plaintext.Cut(text, limit))
}

// ID is what identifies something; empty when it does not.
func (r Reader) ID(f Field, raw jsontext.Value) string {
	id, reading := AppendID(nil, raw)
	r.Odd.Note(f, reading)
	return string(id)
}

// UnionID is what identifies a person, as [UnionID] gives it; empty when it does not.
func (r Reader) UnionID(f Field, raw jsontext.Value) string {
	id, reading := AppendID(nil, raw)
	r.Odd.Note(f, reading)
	return string(CarriedID(id))
}

// Time is in Unix milliseconds; 0 when there is none.
func (r Reader) Time(f Field, raw jsontext.Value) (at int64, readable bool) {
	at, reading := Time(raw)
	r.Odd.Note(f, reading)
	return at, reading != Unreadable
}

// Bool is false for what cannot be read.
func (r Reader) Bool(f Field, raw jsontext.Value) bool {
	value, reading := Bool(raw)
	r.Odd.Note(f, reading)
	return value
}

// Count is a number of things; 0 for what cannot be one.
func (r Reader) Count(f Field, raw jsontext.Value) int {
	n, reading := Status(raw)
	r.Odd.Note(f, reading)
	return max(n, 0)
}

// Status reads a number that stands for something. An undocumented one is kept as it is, so that it
// can be counted; one beyond 32 bits is brought to their edge.
func Status(raw jsontext.Value) (int, Reading) {
	n, reading := Int(raw)
	return int(min(max(n, math.MinInt32), math.MaxInt32)), reading
}
