package history

// Info is a meeting as it stands at a moment. All times are Unix milliseconds.
type Info struct {
	ID, Title string
	Creator   Person
	At        int64 // the moment
	Start     int64
	Ended     int64 // 0 while it goes on
	// Present is how many people are in the meeting, Attended how many ever were, Asked how many
	// were invited or called.
	Present, Attended, Asked int
}

// Info describes the meeting as of what it was played up to.
func (m *Meeting) Info() Info { return m.view.info(m.at) }

func (f *fold) info(at int64) Info {
	m := f.meeting
	return Info{
		ID: m.id, Title: m.title, Creator: m.creator(), At: at, Start: m.start, Ended: f.ended,
		Present: f.present, Attended: f.attended, Asked: f.asked,
	}
}

// creator returns who called the meeting: its planned host, or else the first who is no guest.
func (m *Meeting) creator() Person {
	for _, p := range m.people {
		if p.Host {
			return p
		}
	}
	for _, p := range m.people {
		if !p.Guest {
			return p
		}
	}
	return Person{}
}

// Rows returns the member list, in the order in which rows were added. It is valid until the
// meeting is played on, and not to be changed.
func (m *Meeting) Rows() []Row { return m.view.rows }

// Listed returns how many people have a row in the member list.
func (m *Meeting) Listed() int {
	n := 0
	for i := range m.view.members {
		if len(m.view.members[i].rows) > 0 {
			n++
		}
	}
	return n
}

// Person returns a person of a row as the meeting has left them so far: with the nickname and the
// role of now.
func (m *Meeting) Person(i int) Person { return m.view.personNow(i) }

func (f *fold) personNow(i int) Person {
	p, now := f.meeting.people[i], &f.members[i]
	p.Nick, p.Host, p.CoHost = now.nick, now.host, now.coHost
	return p
}

// Unlisted says that the organisation's list of meetings leaves the meeting out.
func (m *Meeting) Unlisted() bool { return m.unlisted }

// Denied says that the app may not read the meeting.
func (m *Meeting) Denied() bool { return m.denied }
