package dingtalk

import (
	"fmt"
	"math"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/diff"
)

// Bounds of what a walk keeps for the next one.
const (
	maxPooledRows = 16_384
	maxPooledText = 1 << 20
)

// record is a row whose texts are still in the walk's buffer.
type record struct {
	row      diff.Row
	id, nick span
}

// span is a part of a buffer.
type span struct{ from, to int32 }

// walk collects the pages of one member list: all rows in one slice, all their texts in one buffer, so that a page
// costs no allocation and a list costs two.
type walk struct {
	progress
	rows []record
	text []byte
	from int64 // when the first page was asked for, Unix milliseconds
	// uncertain says that somebody may be missing, whatever the numbers say.
	uncertain bool
	devices   []uint64 // marks of rows that are known not to be there because the list moved, sorted
	found     rowIndex // of a list of several pages
	proofs    int      // rows that are there because the list moved
	doubts    int      // rows that may be there because it did

	// Of the page last read.
	next                 string
	hasMembers, hasTotal bool
	hasOther             bool // a field that no member list has
	firstRow             int
}

var walks = sync.Pool{New: func() any { return new(walk) }}

func (w *walk) release() {
	w.reset()
	if cap(w.rows) <= maxPooledRows && cap(w.text) <= maxPooledText {
		walks.Put(w)
	}
}

func (w *walk) reset() {
	w.progress.reset()
	w.found.reset()
	w.rows, w.text = w.rows[:0], w.text[:0]
	w.from, w.uncertain, w.proofs, w.doubts = 0, false, 0, 0
	w.startPage()
}

func (w *walk) startPage() {
	w.next, w.hasMembers, w.hasTotal, w.hasOther, w.firstRow = "", false, false, false, len(w.rows)
}

// isList reports whether the page is a member list at all: an address block, for one, is a 200 with other JSON, and
// reading it as an empty list would make everybody leave. An empty object is none either, but may follow the last page.
func (w *walk) isList() bool {
	if w.hasMembers || w.hasTotal {
		return true
	}
	return w.pages > 0 && !w.hasOther && (w.total < 0 || int64(w.different()) >= w.total)
}

// different is the number of rows but for those that are there because the list moved, perhaps.
func (w *walk) different() int { return len(w.rows) - w.proofs - w.doubts }

// agrees reports whether the rows are as many as upstream said there are, and the list stood still while it was read.
func (w *walk) agrees() bool {
	return !w.recounted && w.proofs == 0 && (w.total < 0 || w.complete(len(w.rows)))
}

// certain reports whether nobody is missing from the list. What is doubtful is no reason to read it again.
func (w *walk) certain() bool { return w.agrees() && w.doubts == 0 && !w.stuck && !w.uncertain }

// build makes the rows that outlive the walk.
func (w *walk) build() []diff.Row {
	text := string(w.text)
	rows := make([]diff.Row, len(w.rows))
	for i := range w.rows {
		rec := &w.rows[i]
		rows[i] = rec.row
		rows[i].UnionID = text[rec.id.from:rec.id.to]
		rows[i].UserNick = text[rec.nick.from:rec.nick.to]
	}
	return rows
}

// UnmarshalJSONFrom reads a page.
func (w *walk) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	return object(dec, func(name []byte) error {
		switch string(name) {
		case "memberModels":
			return w.members(dec)
		case "nextToken":
			return w.nextToken(dec)
		case "totalCount":
			return w.totalCount(dec)
		default:
			w.hasOther = true
			return dec.SkipValue()
		}
	})
}

func (w *walk) nextToken(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	token, err := appendText(nil, raw)
	if err == nil && len(token) > maxPageTokenSize {
		err = fmt.Errorf("longer than %d bytes", maxPageTokenSize)
	}
	w.next = string(token)
	return field("nextToken", err)
}

func (w *walk) totalCount(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	n, _, err := integer(raw)
	if !absent(raw) && n >= 0 {
		w.hasTotal = true
		w.counted(n)
	}
	return field("totalCount", err)
}

// members reads the rows. A second list in the same page takes the first one's place, as with any name that comes twice.
func (w *walk) members(dec *jsontext.Decoder) error {
	w.rows = w.rows[:w.firstRow]
	w.hasMembers = false
	switch kind := dec.PeekKind(); kind {
	case 'n':
		return dec.SkipValue()
	case '[':
		w.hasMembers = true
	default:
		return unexpected(dec, "memberModels: not a list")
	}
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if len(w.rows) == maxRows {
			w.stuck = true
			if err := dec.SkipValue(); err != nil {
				return err
			}
			continue
		}
		if err := w.member(dec); err != nil {
			return err
		}
	}
	_, err := dec.ReadToken()
	return err
}

// member appends a row. Of a field that is missing it has the zero value.
func (w *walk) member(dec *jsontext.Decoder) error {
	w.rows = append(w.rows, record{})
	rec := &w.rows[len(w.rows)-1]
	return object(dec, func(name []byte) error {
		raw, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if err := w.set(rec, name, raw); err != nil {
			return fmt.Errorf("memberModels[%d].%s: %w", len(w.rows)-1-w.firstRow, name, err)
		}
		return nil
	})
}

// set takes in one field of a row; one that does not matter is ignored.
func (w *walk) set(rec *record, name []byte, raw jsontext.Value) (err error) {
	switch string(name) {
	case "unionId":
		rec.id, err = w.keepID(raw)
	case "userNick":
		rec.nick, err = w.keepNick(raw)
	case "joinTime":
		rec.row.JoinTime, err = unixMilli(raw)
	case "leaveTime":
		rec.row.LeaveTime, err = unixMilli(raw)
	case "attendStatus":
		rec.row.Status, err = status(raw)
	case "host":
		rec.row.Host, err = boolean(raw)
	case "coHost":
		rec.row.CoHost, err = boolean(raw)
	case "outerOrgMember":
		rec.row.OuterOrgMember, err = boolean(raw)
	case "pstnJoin":
		rec.row.PSTNJoin, err = boolean(raw)
	}
	return err
}

// status keeps a status nobody documented as it is, so that it can be counted; one beyond 32 bits is brought to their edge.
func status(raw jsontext.Value) (int, error) {
	n, whole, err := integer(raw)
	if err == nil && !whole {
		err = errNotNumber
	}
	return int(min(max(n, math.MinInt32), math.MaxInt32)), err
}

// keepID appends a unionId to the buffer, in the form it is carried in.
func (w *walk) keepID(raw jsontext.Value) (span, error) {
	from := len(w.text)
	text, err := appendText(w.text, raw)
	if id := text[from:]; !carriable(id) {
		text = append(text[:from], carriedID(id)...)
	}
	return w.keep(text, from), err
}

// keepNick appends a nickname to the buffer.
func (w *walk) keepNick(raw jsontext.Value) (span, error) {
	from := len(w.text)
	text, err := appendText(w.text, raw)
	return w.keep(text[:from+len(bounded(text[from:], maxNick))], from), err
}

func (w *walk) keep(text []byte, from int) span {
	w.text = text
	return span{int32(from), int32(len(text))}
}
