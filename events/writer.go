package events

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// writer appends JSON by hand: an event is the one thing encoded for every change of every member,
// and the schema is fixed. The tests hold it to encoding/json.
type writer struct{ buf []byte }

func (w *writer) open()  { w.buf = append(w.buf, '{') }
func (w *writer) close() { w.buf = append(w.buf, '}') }

func (w *writer) list()    { w.buf = append(w.buf, '[') }
func (w *writer) endList() { w.buf = append(w.buf, ']') }

// between separates what comes next from what came before it, if anything did.
func (w *writer) between() {
	if last := w.buf[len(w.buf)-1]; last != '{' && last != '[' {
		w.buf = append(w.buf, ',')
	}
}

func (w *writer) key(name string) {
	w.between()
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '"', ':')
}

func (w *writer) str(name, value string) {
	if plain(value) {
		w.plain(name, value)
		return
	}
	w.key(name)
	w.quoted(value)
}

// quoted writes any text.
func (w *writer) quoted(value string) {
	// The error says that bytes were no UTF-8 and have been replaced: the event is published even if a
	// name is broken.
	w.buf, _ = jsontext.AppendQuote(w.buf, value)
}

// plain writes a value that is known to stand in JSON as it is.
func (w *writer) plain(name, value string) {
	w.key(name)
	w.buf = append(w.buf, '"')
	w.buf = append(w.buf, value...)
	w.buf = append(w.buf, '"')
}

func (w *writer) uint(name string, value uint64) {
	w.key(name)
	w.buf = strconv.AppendUint(w.buf, value, 10)
}

func (w *writer) int(name string, value int64) {
	w.key(name)
	w.buf = strconv.AppendInt(w.buf, value, 10)
}

func (w *writer) bool(name string, value bool) {
	w.key(name)
	w.buf = strconv.AppendBool(w.buf, value)
}

func (w *writer) time(name string, value time.Time) {
	w.key(name)
	value = value.UTC()
	year, month, day := value.Date()
	hour, minute, second := value.Clock()
	w.digits('"', year, 4)
	w.digits('-', int(month), 2)
	w.digits('-', day, 2)
	w.digits('T', hour, 2)
	w.digits(':', minute, 2)
	w.digits(':', second, 2)
	w.digits('.', value.Nanosecond()/int(time.Millisecond), 3)
	w.buf = append(w.buf, 'Z', '"')
}

// digits writes what comes before a number, and the number padded with zeros to a width of at most
// 4.
func (w *writer) digits(before byte, n, width int) {
	text := [4]byte{byte('0' + n/1000%10), byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)}
	w.buf = append(w.buf, before)
	w.buf = append(w.buf, text[4-width:]...)
}

// plain tells whether a string stands in JSON as it is.
func plain(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return false
		}
	}
	return true
}
