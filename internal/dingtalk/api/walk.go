package api

import (
	"errors"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/diff"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
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

// walk collects the pages of one member list: all rows in one slice, all their texts in one buffer,
// so that a page costs no allocation and a list costs two.
type walk struct {
	progress
	rows []record
	text []byte
	// leftOut counts rows that cannot be read.
	leftOut int
	// uncertain says that members may be missing, even if the number of rows is totalCount.
	uncertain bool
	// Marks of rows that are known not to be there because the list moved, sorted.
	devices  []uint64
	found    rowIndex // of a list of several pages
	moved    int      // rows that are there because the list moved
	suspects int      // rows that may be there because it did

	// Of the page last read.
	next                   string
	hasMembers, hasTotal   bool
	hasOther               bool // a field that no member list has
	refused                bool // it says that it is none
	failed                 bool // it has a code as failures have
	cut                    bool // its nextToken cannot be read
	firstRow, firstLeftOut int

	odd *wire.Oddities
}

var walks = sync.Pool{New: func() any { return new(walk) }}

func (w *walk) release() {
	w.reset()
	w.odd = nil
	if cap(w.rows) <= maxPooledRows && cap(w.text) <= maxPooledText {
		walks.Put(w)
	}
}

func (w *walk) reset() {
	w.progress.reset()
	w.found.reset()
	w.rows, w.text = w.rows[:0], w.text[:0]
	w.uncertain, w.leftOut, w.moved, w.suspects = false, 0, 0, 0
	w.startPage()
}

func (w *walk) startPage() {
	w.next, w.hasMembers, w.hasTotal, w.hasOther, w.refused, w.failed, w.cut = "", false, false, false, false, false, false
	w.firstRow, w.firstLeftOut = len(w.rows), w.leftOut
}

// isList reports whether the page is a member list at all: an address block, for one, is a 200 with
// other JSON, and reading it as an empty list would make everybody leave. An empty object is none
// either, but may follow the last page. Nor is a reply with the code of a failure and no members.
func (w *walk) isList() bool {
	if w.failed && w.count() == w.firstRow+w.firstLeftOut {
		return false
	}
	if w.hasMembers || w.hasTotal || w.refused {
		return !w.refused
	}
	return w.pages > 0 && !w.hasOther && (w.total < 0 || int64(w.different()) >= w.total)
}

// different is the number of rows but for those that are there because the list moved, perhaps.
func (w *walk) different() int { return w.count() - w.moved - w.suspects }

// count is the number of rows, those that cannot be read included.
func (w *walk) count() int { return len(w.rows) + w.leftOut }

// agrees reports whether the rows are as many as upstream said there are, and the list stood still
// while it was read.
func (w *walk) agrees() bool {
	return !w.recounted && w.moved == 0 && (w.total < 0 || w.complete(w.count()))
}

// certain reports whether the list is known to be complete. One that is not is not read again for
// that reason.
func (w *walk) certain() bool { return w.agrees() && w.suspects == 0 && !w.stuck && w.whole() }

// whole reports whether all that was sent could be read. Where no token could be read, totalCount
// tells whether there is another page.
func (w *walk) whole() bool { return !w.uncertain && (!w.cut || w.total >= 0) }

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
		case "errcode", "success", "code":
			return w.refusal(dec, name)
		default:
			w.hasOther = true
			return dec.SkipValue()
		}
	})
}

// nextToken reads where the list goes on. Where that cannot be read, only totalCount can tell that
// all has been read.
func (w *walk) nextToken(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	token, reading := readToken(raw)
	w.odd.Note(wire.ListToken, reading)
	w.next, w.cut = token, reading == wire.Unreadable
	return nil
}

func (w *walk) totalCount(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	n, reading := wire.Int(raw)
	w.odd.Note(wire.ListTotal, reading)
	if reading != wire.Unreadable && !wire.None(raw) && n >= 0 {
		w.hasTotal = true
		w.counted(n)
	}
	return nil
}

// refusal takes note when a page says that it is none.
func (w *walk) refusal(dec *jsontext.Decoder, name []byte) error {
	raw, err := dec.ReadValue()
	if err != nil {
		return err
	}
	w.hasOther = true
	switch string(name) {
	case "errcode":
		w.refused = w.refused || wire.Refusal{ErrCode: raw}.Refused()
	case "success":
		w.refused = w.refused || wire.Refusal{Success: raw}.Refused()
	case "code":
		w.failed = wire.IsFailure(raw)
	}
	return nil
}

// members reads the rows. A second list in the same page takes the first one's place, as with any
// name that comes twice.
func (w *walk) members(dec *jsontext.Decoder) error {
	w.rows, w.leftOut = w.rows[:w.firstRow], w.firstLeftOut
	w.hasMembers = false
	if dec.PeekKind() != '[' {
		return w.noMembers(dec)
	}
	w.hasMembers = true
	if _, err := dec.ReadToken(); err != nil {
		return err
	}
	for dec.PeekKind() != ']' {
		if w.count() == maxRows {
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

// noMembers reads what stands in place of the rows.
func (w *walk) noMembers(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	switch {
	case err != nil:
		return err
	case wire.Missing(raw):
		return nil
	case wire.None(raw) || wire.Empty(raw):
		w.odd.Note(wire.List, wire.Odd)
		return nil
	}
	w.odd.Note(wire.List, wire.Unreadable)
	return errors.New("memberModels: not a list")
}
