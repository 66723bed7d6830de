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
// ones is left to chance, so that what is often used comes back and stays. The caller holds mu.
func (p *Poller) keep(m *meeting, record diff.Record) {
	s := record.State
	m.record, m.read, m.watched = record, true, s.Known() && s.Phase == diff.Watched
	m.brief = briefOf(s)
	m.sight = m.sight.until(s.GapTo, p.sees(s)) // of a look that was stored in part, the end of the gap was
	if m.kept < 0 {
		m.kept = int32(len(p.kept))
		p.kept = append(p.kept, m)
	}
	size := stateBytes + personBytes*s.Size()
	p.keptBytes += size - int(m.size)
	m.size = int32(size)
	for p.keptBytes > p.opts.StateMemory && p.evict() {
	}
}

// evict gives up the state of some meeting that does not need it, and tells whether it did. The caller holds mu.
func (p *Poller) evict() bool {
	for range evictTries {
		m := p.kept[rand.IntN(len(p.kept))]
		if !m.busy && !m.storing {
			p.cool(m)
			return true
		}
	}
	return false
}

// cool gives up the state of a meeting, which is read again when it is needed. The caller holds mu.
func (p *Poller) cool(m *meeting) {
	if m.kept < 0 {
		return
	}
	m.lookedAt, m.record.State = m.record.State.LookedAt, nil
	last := p.kept[len(p.kept)-1]
	p.kept[m.kept], last.kept = last, m.kept
	p.kept[len(p.kept)-1] = nil
	p.kept = p.kept[:len(p.kept)-1]
	p.keptBytes -= int(m.size)
	m.kept, m.size = -1, 0
}
