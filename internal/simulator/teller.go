package simulator

import "math"

// nothingDue is the due time of a meeting of which nothing will be told, as far as is decided.
const nothingDue = math.MaxInt64

// teller walks a meeting's history once and turns what happens into notices.
type teller struct {
	view    *fold // the member list as of the last action told; nil before the first
	applied int   // how many actions of the history view holds
	begun   bool  // that the meeting has begun is told
	seq     int   // of the last notice

	due   int64 // when there is something to tell next, Unix milliseconds
	index int   // in the agenda
}

// rewind goes back to the beginning, because the past was changed. What has been told is not told again.
func (t *teller) rewind() { t.view, t.applied = nil, 0 }

// next returns when there is something to tell next.
func (m *meeting) nextTold() int64 {
	due := int64(nothingDue)
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

// tell returns notices of everything that has happened by now and was not told before. What happened before from is
// passed over in silence.
func (m *meeting) tell(from, now int64, leavesAtEnd bool) []notice {
	m.advance(now)
	t := &m.teller
	if t.view == nil {
		t.view = newFold(m)
	}
	t.view.grow()
	var out []notice
	add := func(n notice) {
		t.seq++
		n.meeting, n.seq = m.id, t.seq
		out = append(out, n)
	}
	if m.begun() && !t.begun {
		t.begun = true
		if m.start >= from {
			add(notice{at: m.start, scene: sceneCreated, conf: t.view.confModel(sceneCreated, m.start)})
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
func (f *fold) follow(a Action, leavesAtEnd bool) []notice {
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
	n := notice{at: a.At, scene: scene}
	for _, device := range devices {
		n.members = append(n.members, f.pushedMember(person, device, scene, a.At))
	}
	return []notice{n}
}

// maxTold bounds the members in one notice.
const maxTold = 100

func (f *fold) followEnd(a Action, leavesAtEnd bool) []notice {
	type place struct {
		person int
		device string
	}
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
	var out []notice
	for leavesAtEnd && len(present) > 0 {
		n := notice{at: a.At, scene: sceneLeave}
		for _, p := range present[:min(maxTold, len(present))] {
			n.members = append(n.members, f.pushedMember(p.person, p.device, sceneLeave, a.At))
		}
		present = present[len(n.members):]
		out = append(out, n)
	}
	return append(out, notice{at: a.At, scene: sceneClosed, conf: f.confModel(sceneClosed, a.At)})
}
