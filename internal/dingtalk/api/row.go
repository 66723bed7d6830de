package api

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/c4342123/rollcall/internal/base/plaintext"
	"github.com/c4342123/rollcall/internal/dingtalk/wire"
)

// member appends a row. Of a field that is missing it has the zero value. A row that does not say
// who was there, since when, or how, is left out.
func (w *walk) member(dec *jsontext.Decoder) error {
	if dec.PeekKind() != '{' {
		if err := dec.SkipValue(); err != nil {
			return err
		}
		w.leaveOut()
		return nil
	}
	w.rows = append(w.rows, record{})
	rec := &w.rows[len(w.rows)-1]
	readable := true
	err := object(dec, func(name []byte) error {
		raw, err := dec.ReadValue()
		if err == nil && !w.set(rec, name, raw) {
			readable = false
		}
		return err
	})
	if err == nil && !readable {
		w.rows = w.rows[:len(w.rows)-1]
		w.leaveOut()
	}
	return err
}

// leaveOut counts a row that cannot be read. The person it is about may be missing from the list
// for that reason alone.
func (w *walk) leaveOut() {
	w.odd.Note(wire.MemberRow, wire.Unreadable)
	w.leftOut++
	w.uncertain = true
}

// set takes in one field of a row; one that does not matter is ignored. It returns false for one
// that matters and cannot be read. Roles and nicknames never matter so much, and without its
// leaveTime a row still says that somebody left.
func (w *walk) set(rec *record, name []byte, raw jsontext.Value) bool {
	var r wire.Reading
	switch string(name) {
	case "unionId":
		rec.id, r = w.keepID(raw)
		return w.note(wire.MemberID, r)
	case "userNick":
		rec.nick, r = w.keepNick(raw)
		w.note(wire.MemberNick, r)
	case "joinTime":
		rec.row.JoinTime, r = wire.Time(raw)
		return w.note(wire.MemberJoin, r)
	case "leaveTime":
		rec.row.LeaveTime, r = wire.Time(raw)
		w.note(wire.MemberLeave, r)
	case "attendStatus":
		rec.row.Status, r = wire.Status(raw)
		return w.note(wire.MemberStatus, r)
	case "host":
		rec.row.Host, r = wire.Bool(raw)
		w.note(wire.MemberHost, r)
	case "coHost":
		rec.row.CoHost, r = wire.Bool(raw)
		w.note(wire.MemberCoHost, r)
	case "outerOrgMember":
		rec.row.OuterOrgMember, r = wire.Bool(raw)
		w.note(wire.MemberOuter, r)
	case "pstnJoin":
		rec.row.PSTNJoin, r = wire.Bool(raw)
		w.note(wire.MemberPSTN, r)
	}
	return true
}

// note counts an odd value and reports whether it can be read.
func (w *walk) note(f wire.Field, r wire.Reading) bool {
	if r != wire.Plain {
		w.odd.Note(f, r)
	}
	return r != wire.Unreadable
}

// keepID appends a unionId to the buffer, in the form it is carried in.
func (w *walk) keepID(raw jsontext.Value) (span, wire.Reading) {
	from := len(w.text)
	text, r := wire.AppendID(w.text, raw)
	text = append(text[:from], wire.CarriedID(text[from:])...)
	return w.keep(text, from), r
}

// keepNick appends a nickname to the buffer.
func (w *walk) keepNick(raw jsontext.Value) (span, wire.Reading) {
	from := len(w.text)
	text, r := wire.AppendText(w.text, raw)
	return w.keep(text[:from+len(plaintext.Cut(text[from:], wire.MaxNick))], from), r
}

func (w *walk) keep(text []byte, from int) span {
	w.text = text
	return span{int32(from), int32(len(text))}
}
