package feed

import (
	"fmt"
	"strconv"
	"strings"
)

// ID is a place in the stream as readers are told it: what they have read up to. It is a sequence;
// where sequences mean something else than they did, as the stream is another or went back to a
// backup, there is a mark behind it, which is when that was noticed.
type ID struct {
	Sequence uint64
	since    int64 // Unix seconds; 0 for no mark
}

// clocks is by how much the clocks of replicas, and the times at which they notice something, may
// differ, in seconds.
const clocks = 60

// ParseID reads what [ID.String] wrote.
func ParseID(text string) (ID, error) {
	sequence, mark, marked := strings.Cut(text, "-")
	n, err := strconv.ParseUint(sequence, 10, 64)
	id := ID{Sequence: n}
	if err == nil && marked {
		id.since, err = strconv.ParseInt(mark, 10, 64)
	}
	if err != nil {
		return ID{}, fmt.Errorf("%q is not the id of an event", text)
	}
	return id, nil
}

func (id ID) String() string {
	if id.since == 0 {
		return strconv.FormatUint(id.Sequence, 10)
	}
	return fmt.Sprintf("%d-%d", id.Sequence, id.since)
}

// idOf is how readers are told a sequence of the epoch. The caller holds mu.
func (f *Feed) idOf(sequence uint64) ID {
	if sequence > f.used {
		return ID{Sequence: sequence}
	}
	return ID{sequence, f.since}
}

// placeOf is where an event is that is kept. The caller holds mu.
func (f *Feed) placeOf(e *entry) ID {
	if e.epoch != f.epoch { // nobody can resume there as things are
		return ID{Sequence: e.Sequence}
	}
	return f.idOf(e.Sequence)
}

// meant is the sequence of this epoch that an id stands for: one of the epoch before stands for its
// beginning, as all that is stored since is new to the reader that has it. The caller holds mu.
func (f *Feed) meant(id ID) uint64 {
	if id.Sequence > f.start && id.Sequence <= f.used && id.since < f.since-clocks {
		return f.start
	}
	return id.Sequence
}
