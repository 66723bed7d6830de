package history

import (
	"cmp"
	"slices"
)

// Why a stay ended, in the words of the events.
const (
	endedLeft     = "left"
	endedKicked   = "kicked"
	endedDropped  = "disconnected"
	endedVanished = "vanished"
	endedMeeting  = "meeting_ended"
)

// place is where the list shows a device: with one row for a person, all devices are in one place.
type place struct {
	person int
	device string
}

// stay is one visit of one device, as the history tells it. Times are Unix milliseconds.
type stay struct {
	place
	from, to int64 // to is 0 while it lasts
	ended    string
	resetAt  int64 // when the list stopped showing from, 0 if it never did
	hiddenAt int64 // when the list stopped showing how or when the stay ended, 0 if it never did
}

// account is what the history says of a meeting.
type account struct {
	stays []stay            // in the order of their beginnings
	asked map[place][]int64 // when a device was invited or called, or declined
	ended int64             // 0 while the meeting goes on
}

// account reads the history up to m.at.
func (m *Meeting) account() account {
	acc := account{asked: map[place][]int64{}}
	open := make(map[int][]int) // the open stays of a person, as indices
	for _, a := range m.history[:m.applied] {
		person := m.byID[a.Person]
		switch {
		case a.Do == End:
			acc.ended = a.At
		case a.Do == Join:
			open[person] = append(open[person], len(acc.stays))
			acc.stays = append(acc.stays, stay{place: place{person, a.Device}, from: a.At})
		case a.Do == Invite || a.Do == Call || a.Do == Decline:
			at := m.placed(place{person, a.Device})
			acc.asked[at] = append(acc.asked[at], a.At)
		case a.Do.ends():
			open[person] = slices.DeleteFunc(open[person], func(i int) bool {
				s := &acc.stays[i]
				if a.Device != "" && a.Device != s.device {
					return false
				}
				s.to, s.ended = a.At, endedBy(a.Do)
				return true
			})
		}
	}
	if acc.ended != 0 {
		m.closeStays(acc)
	}
	if m.deviceRows == OneRow {
		acc.stays = m.onePlace(acc.stays)
	}
	m.hide(acc)
	return acc
}

func endedBy(do Verb) string {
	switch do {
	case Kick:
		return endedKicked
	case Drop:
		return endedDropped
	case Vanish:
		return endedVanished
	}
	return endedLeft
}

func (m *Meeting) closeStays(acc account) {
	for i := range acc.stays {
		if s := &acc.stays[i]; s.to == 0 {
			s.to, s.ended = acc.ended, endedLeft
			if m.atEnd == LeaveRowsOpen {
				s.ended = endedMeeting
			}
		}
	}
}

func (m *Meeting) placed(p place) place {
	if m.deviceRows == OneRow {
		p.device = ""
	}
	return p
}

// onePlace unites the overlapping stays of each person, as a list with one row for a person does.
func (m *Meeting) onePlace(stays []stay) []stay {
	of := make(map[int][]stay)
	for _, s := range stays {
		s.place = m.placed(s.place)
		of[s.person] = append(of[s.person], s)
	}
	var out []stay
	for _, person := range of {
		out = append(out, united(person)...)
	}
	slices.SortFunc(out, func(a, b stay) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.person, b.person)) })
	return out
}

// hide finds out when the list stopped showing each stay's beginning and end, because a later visit
// took over the row or because the row was taken off the list.
func (m *Meeting) hide(acc account) {
	later := make(map[place][]*stay) // the stays of a place that began later, the last one first
	for i := len(acc.stays) - 1; i >= 0; i-- {
		s := &acc.stays[i]
		if s.ended == endedVanished {
			s.resetAt, s.hiddenAt = s.to, s.to
		}
		if m.rejoin == ResetRow {
			s.hideBy(later[s.place], acc.asked[s.place], m.people[s.person].Guest)
			later[s.place] = append(later[s.place], s)
		}
	}
}

// hideBy is hide for one stay of a list that resets rows. Later stays come last one first.
func (s *stay) hideBy(later []*stay, asked []int64, guest bool) {
	for _, next := range slices.Backward(later) {
		if s.resetAt == 0 {
			s.resetAt = next.from
		}
		// An open row does not say that the visit before ended with a kick; and with another
		// joinTime, a guest's row is another guest's.
		if s.ended == endedKicked || guest {
			s.hideAt(next.from)
		}
		if next.ended != "" && next.ended != endedDropped && next.ended != endedMeeting {
			s.hideAt(next.to) // another leaveTime, or no row any more
			break
		}
	}
	if s.ended == endedKicked {
		if i := slices.IndexFunc(asked, func(at int64) bool { return at > s.to }); i >= 0 {
			s.hideAt(asked[i])
		}
	}
}

// hideAt notes a moment from which the list no longer shows the stay's end; the earliest counts.
func (s *stay) hideAt(at int64) {
	if s.to != 0 && (s.hiddenAt == 0 || at < s.hiddenAt) {
		s.hiddenAt = at
	}
}
