package poller

import (
	"math/rand/v2"

	"github.com/c4342123/rollcall/diff"
)

const (
	// stateBytes and personBytes are roughly what a state takes in memory, and what each of its people does.
	stateBytes  = 400
	personBytes = 80
	// evictTries bounds the search for a state that can be given up.
	evictTries = 8
)

// keep takes the newest state of a meeting into memory, and gives up those of others when there are too many: which
// ones is left to chance, so that what is often used comes back and stays.
func (t *locked) keep(m *meeting, record diff.Record) {
	s := record.State
	m.record, m.read, m.watched = record, true, s.IsWatched()
	m.brief = briefOf(s)
	t.seenAtGapEnd(m, s)
	if m.kept < 0 {
		m.kept = int32(len(t.kept))
		t.kept = append(t.kept, m)
	}
	size := stateBytes + personBytes*s.Size()
	t.keptBytes += size - int(m.size)
	m.size = int32(size)
	t.makeRoom()
}

// makeRoom gives up states while there are too many. Those that are in use stay, until somebody is done with them.
func (t *locked) makeRoom() {
	for t.keptBytes > t.opts.StateMemory && t.evict() {
	}
}

// seenUntil takes note that a meeting was in sight when its last gap ended: of a look that was stored in part, that was.
func (t *locked) seenAtGapEnd(m *meeting, s *diff.State) {
	m.lastSeen = m.lastSeen.Later(s.GapTo, t.lookTime(s))
}

// evict gives up the state of some meeting that does not need it, and tells whether it did.
func (t *locked) evict() bool {
	for range evictTries {
		m := t.kept[rand.IntN(len(t.kept))]
		if !m.busy && !m.storing {
			t.dropState(m)
			return true
		}
	}
	return false
}

// cool gives up the state of a meeting, which is read again when it is needed.
func (t *locked) dropState(m *meeting) {
	if m.kept < 0 {
		return
	}
	m.lookedAt, m.record.State = m.record.State.LookedAt, nil
	last := t.kept[len(t.kept)-1]
	t.kept[m.kept], last.kept = last, m.kept
	t.kept[len(t.kept)-1] = nil
	t.kept = t.kept[:len(t.kept)-1]
	t.keptBytes -= int(m.size)
	m.kept, m.size = -1, 0
}
