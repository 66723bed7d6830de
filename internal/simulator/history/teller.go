package history

import (
	"cmp"
	"math"
	"slices"
)

// NothingDue is the due time when nothing will be told, as far as is decided.
const NothingDue = int64(math.MaxInt64)

// teller walks a meeting's history once and turns what happens into notices.
type teller struct {
	view    *fold // the member list as of the last action told; nil before the first
	applied int   // how many actions of the history view holds
	begun   bool  // that the meeting has begun is told
	seq     int   // of the last notice

	due   int64 // when there is something to tell next, Unix milliseconds
	index int   // in the agenda
}

// rewind goes back to the beginning, because the past was changed. What has been told is not told
// again.
func (t *teller) rewind() { t.view, t.applied = nil, 0 }

// nextTold returns when there is something to tell next.
func (m *Meeting) nextTold() int64 {
	due := NothingDue
	if !m.teller.begun {
		due = m.start
	}
	if m.teller.applied < len(m.history) {
		due = min(due, m.history[m.teller.applied].At)
	}
	if m.churn != nil {
		due = min(due, m.churn.next)
	}
	return due
}

// tell returns notices of everything that has happened by now and was not told before. What
// happened before from is left out.
func (m *Meeting) tell(from, now int64, leavesAtEnd bool) []Notice {
	m.Advance(now)
	t := &m.teller
	if t.view == nil {
		t.view = newFold(m)
	}
	t.view.grow()
	var out []Notice
	add := func(n Notice) {
		t.seq++
		n.Seq = t.seq
		out = append(out, n)
	}
	if m.Begun() && !t.begun {
		t.begun = true
		if m.start >= from {
			add(Notice{Scene: SceneCreated, Info: t.view.info(m.start)})
		}
	}
	for ; t.applied < m.applied; t.applied++ {
		a := &m.history[t.applied]
		heard := a.told || a.At < from
		a.told = true
		for _, n := range t.view.follow(*a, leavesAtEnd) {
			if !heard {
				add(n)
			}
		}
	}
	return out
}

// follow applies an action and returns what the platform tells of it.
func (f *fold) follow(a Action, leavesAtEnd bool) []Notice {
	if a.Do == End {
		return f.followEnd(a, leavesAtEnd)
	}
	person, ok := f.meeting.byID[a.Person]
	if !ok {
		return nil
	}
	devices := f.touched(a, &f.members[person])
	scene := sceneOf(a.Do)
	if f.apply(a) != nil || scene == "" || len(devices) == 0 {
		return nil // every action was tried before it entered the history
	}
	n := Notice{Scene: scene, Info: f.info(a.At)}
	for _, device := range devices {
		n.Members = append(n.Members, f.noticed(person, device))
	}
	return []Notice{n}
}

// maxTold bounds the members in one notice.
const maxTold = 100

func (f *fold) followEnd(a Action, leavesAtEnd bool) []Notice {
	var present []place
	for i := range f.members {
		open := f.members[i].open
		if f.meeting.deviceRows == OneRow {
			open = open[:min(1, len(open))]
		}
		for _, device := range open {
			present = append(present, place{i, device})
		}
	}
	if f.apply(a) != nil {
		return nil
	}
	var out []Notice
	for leavesAtEnd && len(present) > 0 {
		n := Notice{Scene: SceneLeave, Info: f.info(a.At)}
		for _, p := range present[:min(maxTold, len(present))] {
			n.Members = append(n.Members, f.noticed(p.person, p.device))
		}
		present = present[len(n.Members):]
		out = append(out, n)
	}
	return append(out, Notice{Scene: SceneClosed, Info: f.info(a.At)})
}

// NoticeDue returns when there is something to tell next, in Unix milliseconds; [NothingDue] if
// there is nothing.
func (s *Meetings) NoticeDue() int64 {
	if m := s.agenda.next(); m != nil {
		return m.teller.due
	}
	return NothingDue
}

// Notices returns what has happened by now and was not told before, in the order it happened; what
// happened before from is passed over for good. LeavesAtEnd has the end of a meeting told as the
// leaving of everybody, too.
func (s *Meetings) Notices(from, now int64, leavesAtEnd bool) []Notice {
	var out []Notice
	for m := s.agenda.next(); m != nil && m.teller.due <= max(now, m.floor); m = s.agenda.next() {
		out = append(out, m.tell(from, now, leavesAtEnd)...)
		s.agenda.changed(m)
	}
	slices.SortStableFunc(out, func(a, b Notice) int {
		return cmp.Or(cmp.Compare(a.Info.At, b.Info.At), cmp.Compare(a.Info.ID, b.Info.ID))
	})
	return out
}
