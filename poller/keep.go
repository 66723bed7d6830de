package poller

import (
	"math/rand/v2"

	"github.com/c4342123/rollcall/diff"
)

const (
	// stateBytes and personBytes are roughly what a state takes in memory, and each of its people.
	stateBytes  = 400
	personBytes = 80
	// evictTries bounds the search for a state that can be dropped.
	evictTries = 8
)

// keep takes the newest state of a meeting into memory. If there are too many, states of other
// meetings are dropped, at random: one that is often used is soon read again.
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

// makeRoom drops states while there are too many. Those in use stay until they are not.
func (t *locked) makeRoom() {
	for t.keptBytes > t.opts.StateMemory && t.evict() {
	}
}

// seenAtGapEnd notes that the meeting was looked at when its last gap ended. If a look was stored
// in part, that may be all that is left of it.
func (t *locked) seenAtGapEnd(m *meeting, s *diff.State) {
	m.lastSeen = m.lastSeen.Later(s.GapTo, t.lookTime(s))
}

// evict drops a state that is not in use, and tells whether it found one.
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

// dropState drops the state of a meeting from memory. It is read again when it is needed.
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
