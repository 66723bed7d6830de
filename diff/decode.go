package diff

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/c4342123/rollcall/events"
)

// UnmarshalState decodes what [State.MarshalBinary] encoded. It returns an error that wraps
// [ErrNewerVersion] or [ErrCorruptState], and never a half-read state.
func UnmarshalState(b []byte) (*State, error) {
	switch {
	case len(b) == 0:
		return nil, fmt.Errorf("%w: empty", ErrCorruptState)
	case b[0] > newest:
		return nil, fmt.Errorf("%w: version %d, this one reads up to %d", ErrNewerVersion, b[0], newest)
	case b[0] < oldest:
		return nil, fmt.Errorf("%w: version %d", ErrCorruptState, b[0])
	}
	r := decoder{buf: b[1:], size: len(b), version: b[0]}
	s := r.state()
	if r.err == nil && len(r.buf) > 0 {
		r.fail("bytes after the end")
	}
	if r.err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorruptState, r.err)
	}
	return s, nil
}

// decoder reads until the first error; after it, it reads zeros.
type decoder struct {
	buf     []byte
	size    int
	version byte
	origin  int64
	err     error
}

func (r *decoder) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%s at byte %d", what, r.size-len(r.buf))
	}
	r.buf = nil
}

func (r *decoder) uint(limit uint64) uint64 {
	n, size := binary.Uvarint(r.buf)
	if size <= 0 || n > limit {
		r.fail("bad number")
		return 0
	}
	r.buf = r.buf[size:]
	return n
}

func (r *decoder) int() int64 {
	n, size := binary.Varint(r.buf)
	if size <= 0 {
		r.fail("bad number")
		return 0
	}
	r.buf = r.buf[size:]
	return n
}

// count reads how many things of at least so many bytes follow. Nothing is allocated for more than
// can be there.
func (r *decoder) count(bytesEach int) int {
	n := r.uint(math.MaxInt32)
	if n > uint64(len(r.buf)/bytesEach) {
		r.fail("more announced than follows")
		return 0
	}
	return int(n)
}

func (r *decoder) text(limit int) []byte {
	n := r.count(1)
	if n > limit {
		r.fail("text too long")
		return nil
	}
	b := r.buf[:n]
	r.buf = r.buf[n:]
	return b
}

func (r *decoder) state() *State {
	s := &State{
		ConferenceID: r.conferenceID(),
		Phase:        Phase(r.uint(uint64(Expired))),
		Title:        string(r.text(math.MaxInt32)),
		CreatorID:    string(r.text(math.MaxInt32)),
		CreatorNick:  string(r.text(math.MaxInt32)),
		StartTime:    r.int(),
		EndTime:      r.endTime(),
		Sequence:     r.uint(math.MaxInt64),
		LookedAt:     r.int(),
		StartedAt:    r.startedAt(),
		GapFrom:      r.int(),
		GapReason:    string(r.text(math.MaxInt32)),
	}
	s.TitleGiven, s.restarted = r.bits(s.Title)
	if r.version >= unchained {
		s.GapTo, s.lastGap, s.gapEnded = r.int(), r.int(), r.uint(math.MaxUint64)
		s.edition, s.looked, s.unfinished = r.uint(math.MaxUint64), r.uint(math.MaxUint64), r.int()
	}
	if r.version >= chained {
		s.Chain = r.chain()
	}
	r.origin = r.int()
	// A person of a key of one byte and empty nickname, status, flags and number of attendances.
	const shortest = 6
	n := r.count(shortest)
	s.people = make([]person, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		r.person(s)
	}
	if r.version >= unchained {
		r.pushes(s)
	}
	s.known = s.Phase != Expired
	return s
}

// conferenceID reads the meeting's id, which every event of it needs: one that none can be written
// with would keep the meeting from ever being stored again.
func (r *decoder) conferenceID() string {
	id := string(r.text(math.MaxUint16))
	if err := events.CheckConferenceID(id); err != nil && r.err == nil {
		r.fail(err.Error())
	}
	return id
}

// endTime reads when the meeting ended, which is the time of an event.
func (r *decoder) endTime() int64 {
	t := r.int()
	if t < -events.MaxTime || t > events.MaxTime {
		r.fail("bad time")
	}
	return t
}

// bits tells whether the title was given, and whether a loss is yet to be told. Version 1 did not
// keep the former; any title stood there.
func (r *decoder) bits(title string) (given, lost bool) {
	limit := uint64(titleGiven)
	switch {
	case r.version < unchained:
		return title != "", false
	case r.version >= chained:
		limit |= restarted
	}
	bits := r.uint(limit)
	return bits&titleGiven != 0, bits&restarted != 0
}

// chain reads how far the chain has come: a chain without events has no last one.
func (r *decoder) chain() (c events.Chain) {
	c.Events = r.uint(math.MaxInt64)
	if len(r.buf) < len(c.Last) {
		r.fail("no hash")
		return events.Chain{}
	}
	r.buf = r.buf[copy(c.Last[:], r.buf):]
	if (c.Events == 0) != (c.Last == events.Hash{}) {
		r.fail("bad chain")
	}
	return c
}

// startedAt skips the times by which version 1 told what came after what.
func (r *decoder) startedAt() int64 {
	if r.version < unchained {
		r.int()
		r.int()
	}
	return r.int()
}

func (r *decoder) pushes(s *State) {
	n := r.count(2)
	for i := 0; i < n && r.err == nil; i++ {
		p := push{person: int32(r.uint(math.MaxInt32)), edition: r.uint(s.edition)}
		if int(p.person) >= len(s.people) || i > 0 && p.edition < s.pushes[i-1].edition {
			r.fail("bad push")
			return
		}
		s.pushes = append(s.pushes, p)
	}
}

func (r *decoder) person(s *State) {
	key, nick := r.text(maxKey), r.text(maxKey)
	if len(key) == 0 {
		r.fail("person without a key")
	}
	p := person{name: uint32(len(s.names)), keyLen: uint16(len(key)), nickLen: uint16(len(nick))}
	s.names = append(append(s.names, key...), nick...)
	p.status = uint8(r.uint(uint64(StatusLeft)))
	p.flags = flags(r.uint(uint64(allFlags))) &^ unused
	n := r.count(2)
	for i := 0; i < n && r.err == nil; i++ {
		start, end := r.attendance()
		switch {
		case i == 0:
			p.start, p.end = start, end
			continue
		case i == 1:
			p.past = int32(len(s.past)) + 1
		default:
			s.past[len(s.past)-1].next = int32(len(s.past)) + 1
		}
		s.past = append(s.past, visit{start: start, end: end})
	}
	if p.open() {
		s.Active++
	}
	s.people = append(s.people, p)
}

func (r *decoder) attendance() (start, end int64) {
	start = r.int() + r.origin
	if n := r.uint(maxTime + 2); n > 0 {
		end = start + int64(n) - 1
	}
	if start <= 0 || start > maxTime+1 || end != 0 && (end < start || end > events.MaxTime) {
		r.fail("bad attendance")
	}
	return start, end
}
