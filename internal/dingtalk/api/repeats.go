package api

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"
	"math/bits"
	"slices"

	"github.com/c4342123/rollcall/diff"
)

// rowSeed makes hashes differ between processes: they are never stored.
var rowSeed = maphash.MakeSeed()

// repeat is a row of somebody who was listed before with the same joinTime: by another device or,
// when that row is on an earlier page, because the list moved while it was read.
type repeat struct {
	// Of the person, the joinTime and which of their rows it is: the first, the second…
	mark     uint64
	row      int32
	previous int32 // the row before of the same person and joinTime
	kind     repetition
}

// repetition is what a repeated row shows.
type repetition uint8

const (
	// The person has another device: it is on the same page, or known from the look before.
	device   repetition = iota
	unclear             // nothing: the row says too little
	suspect             // of somebody without a joinTime: perhaps the list moved
	movedRow            // with a joinTime: the list moved
)

// rowIndex finds rows of one person and joinTime, by open addressing. A list of one page needs
// none.
type rowIndex struct {
	slots   []int32 // 1 + a place in entries, 0 for none; a power of two of them
	entries []rowEntry
	rows    int // how many rows of the walk are in it
	repeats []repeat
	key     []byte
}

type rowEntry struct {
	hash        uint64
	first, last int32 // rows
	times       uint32
}

func (x *rowIndex) reset() {
	x.slots, x.entries, x.rows, x.repeats = x.slots[:0], x.entries[:0], 0, x.repeats[:0]
}

// index takes in the rows read since it was called last and returns how many of this page's were on
// no page before.
func (w *walk) index() (fresh int) {
	x := &w.found
	x.grow(len(w.rows))
	for ; x.rows < len(w.rows); x.rows++ {
		if w.enter(int32(x.rows)) && x.rows >= w.firstRow {
			fresh++
		}
	}
	return fresh
}

// enter takes in one row and tells whether it is new: on no earlier page, or known to be a device
// of its own.
func (w *walk) enter(row int32) bool {
	x := &w.found
	hash := w.hash(row)
	at := int(hash) & (len(x.slots) - 1)
	for ; x.slots[at] > 0; at = (at + 1) & (len(x.slots) - 1) {
		if e := &x.entries[x.slots[at]-1]; e.hash == hash && w.alike(e.first, row) {
			return w.again(e, row)
		}
	}
	x.entries = append(x.entries, rowEntry{hash: hash, first: row, last: row, times: 1})
	x.slots[at] = int32(len(x.entries))
	return true
}

// again takes in a row of somebody who was listed before.
func (w *walk) again(e *rowEntry, row int32) bool {
	page := int32(w.firstRow)
	e.times++
	r := repeat{mark: e.hash ^ uint64(e.times)*0x9e3779b97f4a7c15, row: row, previous: e.last}
	_, known := slices.BinarySearch(w.devices, r.mark)
	if !known && e.last < page && row >= page {
		r.kind = w.rows[row].repetition()
	}
	w.tally(r.kind, 1)
	e.last = row
	w.found.repeats = append(w.found.repeats, r)
	return known || e.first >= page
}

// repetition is what it shows that a row was on an earlier page already.
func (r *record) repetition() repetition {
	switch {
	case r.row.JoinTime > 0:
		return movedRow
	case r.row.Status == diff.StatusUndefined:
		return unclear
	default:
		return suspect
	}
}

func (w *walk) tally(kind repetition, n int) {
	switch kind {
	case suspect:
		w.suspects += n
	case movedRow:
		w.moved += n
	}
}

// grow makes room for the entries of so many rows, half full at most.
func (x *rowIndex) grow(rows int) {
	if 2*rows <= len(x.slots) {
		return
	}
	n := 1 << bits.Len(uint(3*rows))
	if cap(x.slots) < n {
		x.slots = make([]int32, n)
	}
	x.slots = x.slots[:n]
	clear(x.slots)
	for i := range x.entries {
		at := int(x.entries[i].hash) & (n - 1)
		for x.slots[at] > 0 {
			at = (at + 1) & (n - 1)
		}
		x.slots[at] = int32(i) + 1
	}
}

// hash is of what tells one person's visit from another: unionId or, without one, nickname; and
// joinTime.
func (w *walk) hash(row int32) uint64 {
	rec := &w.rows[row]
	w.found.key = binary.LittleEndian.AppendUint64(w.found.key[:0], uint64(rec.row.JoinTime))
	w.found.key = append(w.found.key, w.who(rec)...)
	return maphash.Bytes(rowSeed, w.found.key)
}

func (w *walk) who(rec *record) []byte {
	if rec.anonymous() {
		return w.text[rec.nick.from:rec.nick.to]
	}
	return w.text[rec.id.from:rec.id.to]
}

func (r *record) anonymous() bool { return r.id.from == r.id.to }

func (w *walk) alike(a, b int32) bool {
	x, y := &w.rows[a], &w.rows[b]
	return x.row.JoinTime == y.row.JoinTime && x.anonymous() == y.anonymous() && bytes.Equal(w.who(x), w.who(y))
}

// dropPage forgets the page last read.
func (w *walk) dropPage() {
	x := &w.found
	for n := len(x.repeats); n > 0 && int(x.repeats[n-1].row) >= w.firstRow; n-- {
		w.tally(x.repeats[n-1].kind, -1)
		x.repeats = x.repeats[:n-1]
	}
	w.rows, w.leftOut = w.rows[:w.firstRow], w.firstLeftOut
}

// dropStale leaves only the newest row of those who were on an earlier page, too: it must not look
// like another device.
func (w *walk) dropStale() {
	var stale []int32
	for _, r := range w.found.repeats {
		if r.kind >= suspect {
			stale = append(stale, r.previous)
		}
	}
	slices.Sort(stale)
	kept := w.rows[:0]
	for i := range w.rows {
		if len(stale) > 0 && int(stale[0]) == i {
			stale = stale[1:]
			continue
		}
		kept = append(kept, w.rows[i])
	}
	w.rows = kept
}

// marks are the marks, sorted, of the repeated rows but for those that only show that the list
// moved: if there are marks of a reading before, those that it does not have.
func (w *walk) marks(before []uint64) []uint64 {
	out := make([]uint64, 0, len(w.found.repeats))
	for _, r := range w.found.repeats {
		if _, found := slices.BinarySearch(before, r.mark); found || r.kind != movedRow || before == nil {
			out = append(out, r.mark)
		}
	}
	slices.Sort(out)
	return out
}
