package diff

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// version is the first byte of every encoded state, and oldest the lowest that is read. From version 2 on it is known
// whether a title was given by whoever asked to watch the meeting, when the last gap ended, and which looks and pushes came
// after what: before, times were to tell that.
const version, oldest = 2, 1

// titleGiven is the bit that says so.
const titleGiven = 1

// Errors of [UnmarshalState].
var (
	// ErrNewerVersion says that a newer Rollcall wrote the state: this one must not touch it.
	ErrNewerVersion = errors.New("state written by a newer version")
	// ErrCorruptState says that the bytes are no state.
	ErrCorruptState = errors.New("corrupt state")
)

// MarshalBinary encodes the state: a version, then the meeting, then the people with their times as differences from
// the meeting's first, in the integers of encoding/binary's varints. It never fails.
func (s *State) MarshalBinary() ([]byte, error) {
	w := encoder{buf: make([]byte, 0, 64+len(s.names)+24*len(s.people))}
	w.buf = append(w.buf, version)
	w.text([]byte(s.ConferenceID))
	w.uint(uint64(s.Phase))
	w.text([]byte(s.Title))
	w.text([]byte(s.CreatorID))
	w.text([]byte(s.CreatorNick))
	w.int(s.StartTime)
	w.int(s.EndTime)
	w.uint(s.Sequence)
	w.int(s.LookedAt)
	w.int(s.StartedAt)
	w.int(s.GapFrom)
	w.text([]byte(s.GapReason))
	w.uint(s.bits())
	w.int(s.GapTo)
	w.int(s.lastGap)
	w.uint(s.gapEnded)
	w.uint(s.edition)
	w.uint(s.looked)
	w.int(s.unfinished)
	w.origin = s.origin()
	w.int(w.origin)
	w.uint(uint64(len(s.people)))
	for i := range s.people {
		w.person(s, &s.people[i])
	}
	w.uint(uint64(len(s.pushes)))
	for _, p := range s.pushes {
		w.uint(uint64(p.person))
		w.uint(p.edition)
	}
	return w.buf, nil
}

// bits are what is so or not so of the meeting.
func (s *State) bits() (bits uint64) {
	if s.TitleGiven {
		bits |= titleGiven
	}
	return bits
}

// origin is a time that the others are near to.
func (s *State) origin() int64 {
	for i := range s.people {
		if s.people[i].start > 0 {
			return s.people[i].start
		}
	}
	return 0
}

type encoder struct {
	buf    []byte
	origin int64
}

func (w *encoder) uint(n uint64) { w.buf = binary.AppendUvarint(w.buf, n) }
func (w *encoder) int(n int64)   { w.buf = binary.AppendVarint(w.buf, n) }

func (w *encoder) text(b []byte) {
	w.uint(uint64(len(b)))
	w.buf = append(w.buf, b...)
}

// person writes a person and their announced attendances, from the last to the first.
func (w *encoder) person(s *State, p *person) {
	w.text(s.key(p))
	w.text(s.nick(p))
	w.uint(uint64(p.status))
	w.uint(uint64(p.flags))
	n := s.visits(p)
	w.uint(uint64(n))
	if n == 0 {
		return
	}
	w.attendance(p.start, p.end)
	for v := p.past; v > 0; v = s.past[v-1].next {
		w.attendance(s.past[v-1].start, s.past[v-1].end)
	}
}

// attendance writes a start and, as one more than the length, an end; 0 stands for an attendance that is open.
func (w *encoder) attendance(start, end int64) {
	w.int(start - w.origin)
	if end == 0 {
		w.uint(0)
		return
	}
	w.uint(uint64(end-start) + 1)
}

// UnmarshalState decodes what [State.MarshalBinary] encoded. It returns an error that wraps [ErrNewerVersion] or
// [ErrCorruptState], and never a half-read state.
func UnmarshalState(b []byte) (*State, error) {
	switch {
	case len(b) == 0:
		return nil, fmt.Errorf("%w: empty", ErrCorruptState)
	case b[0] > version:
		return nil, fmt.Errorf("%w: version %d, this one reads up to %d", ErrNewerVersion, b[0], version)
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

// count reads how many things of at least so many bytes follow: what cannot be there is not allocated.
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
		known:        true,
		ConferenceID: string(r.text(math.MaxUint16)),
		Phase:        Phase(r.uint(uint64(Ended))),
		Title:        string(r.text(math.MaxInt32)),
		CreatorID:    string(r.text(math.MaxInt32)),
		CreatorNick:  string(r.text(math.MaxInt32)),
		StartTime:    r.int(),
		EndTime:      r.int(),
		Sequence:     r.uint(math.MaxUint64),
		LookedAt:     r.int(),
		StartedAt:    r.startedAt(),
		GapFrom:      r.int(),
		GapReason:    string(r.text(math.MaxInt32)),
	}
	s.TitleGiven = r.titleGiven(s.Title)
	if r.version >= 2 {
		s.GapTo, s.lastGap, s.gapEnded = r.int(), r.int(), r.uint(math.MaxUint64)
		s.edition, s.looked, s.unfinished = r.uint(math.MaxUint64), r.uint(math.MaxUint64), r.int()
	}
	r.origin = r.int()
	const shortest = 5 // a person of empty key and nickname, status, flags and number of attendances
	n := r.count(shortest)
	s.people = make([]person, 0, n)
	for i := 0; i < n && r.err == nil; i++ {
		r.person(s)
	}
	if r.version >= 2 {
		r.pushes(s)
	}
	return s
}

// titleGiven tells whether a title was given. While that was not kept, any title stood once there was one.
func (r *decoder) titleGiven(title string) bool {
	if r.version < 2 {
		return title != ""
	}
	return r.uint(titleGiven)&titleGiven != 0
}

// startedAt passes over the times by which version 1 told what came after what.
func (r *decoder) startedAt() int64 {
	if r.version < 2 {
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
	if start <= 0 || start > maxTime+1 || end != 0 && end < start {
		r.fail("bad attendance")
	}
	return start, end
}
