package diff

import "encoding/binary"

// MarshalBinary encodes the state: a version, then the meeting, then the people with their times as
// differences from the meeting's first, in the integers of encoding/binary's varints. It never
// fails.
func (s *State) MarshalBinary() ([]byte, error) {
	w := encoder{buf: make([]byte, 0, 128+len(s.names)+24*len(s.people))}
	version := s.version()
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
	if version >= chained {
		w.uint(s.Chain.Events)
		w.buf = append(w.buf, s.Chain.Last[:]...)
	}
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

// bits are the yes-or-no facts of the meeting.
func (s *State) bits() (bits uint64) {
	if s.TitleGiven {
		bits |= titleGiven
	}
	if s.restarted {
		bits |= restarted
	}
	return bits
}

// version is the lowest version that can say all that the state does.
func (s *State) version() byte {
	if s.Chain.Begun() || s.restarted {
		return chained
	}
	return unchained
}

// origin is a time that the others are close to.
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

// attendance writes a start and, as one more than the length, an end; 0 stands for an attendance
// that is open.
func (w *encoder) attendance(start, end int64) {
	w.int(start - w.origin)
	if end == 0 {
		w.uint(0)
		return
	}
	w.uint(uint64(end-start) + 1)
}
