package diff

import "slices"

// Mark is what was known of a meeting at some time: everything that its state held then. The zero
// value stands for everything that is known now.
type Mark struct {
	edition  uint64 // one more than the state's
	lookedAt int64  // the state's
}

// Mark returns what the state knows. A look keeps the Mark of when it began for its [Snapshot].
func (s *State) Mark() Mark { return Mark{s.edition + 1, s.LookedAt} }

// covers tells whether what was announced with an edition was known.
func (m Mark) covers(edition uint64) bool { return m == Mark{} || edition < m.edition }

// seenSince tells whether, at a time in Unix milliseconds, the meeting was looked at, or its gap
// had ended, since m. A look that changed nothing leaves only its time, which does not count if a
// wrong clock told it.
func (s *State) seenSince(m Mark, at int64) bool {
	idle := m != Mark{} && m.lookedAt < s.LookedAt && s.LookedAt <= at+oddClock
	return idle || !m.covers(s.looked) || !m.covers(s.gapEnded)
}

// overtaken tells whether another whole look that changed something ended, or the meeting was
// closed out, since this whole look began. Of two looks under way at once it is not known which
// read the list first. The rest of a look that is stored in steps is not another look.
func (s *State) overtaken(snap *Snapshot) bool {
	return snap.Kind != Partial && !snap.Over && !snap.Since.covers(s.looked) && s.unfinished != snap.At
}

// notePush notes that a push announced something of a person in the edition that is being made. The
// state must be a clone.
func (s *State) notePush(person int32) {
	s.pushes = slices.DeleteFunc(s.pushes, func(p push) bool { return p.person == person })
	s.pushes = append(s.pushes, push{person: person, edition: s.edition})
}

// pushedSince returns what pushes announced since m.
func (s *State) pushedSince(m Mark) []push {
	i := slices.IndexFunc(s.pushes, func(p push) bool { return !m.covers(p.edition) })
	if i < 0 {
		return nil
	}
	return s.pushes[i:]
}
