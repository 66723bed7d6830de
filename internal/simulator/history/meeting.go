package history

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Bounds on what a simulator takes on.
const (
	maxMeetings = 10_000
	maxPeople   = 50_000  // of a meeting
	maxActions  = 500_000 // of a meeting
	maxRows     = 100_000 // of a meeting; churn stops there
	maxText     = 1_000   // bytes of a name, title or device
)

// Meeting is a meeting being played: its history, and the member list it has led to so far. It is
// not safe for concurrent use, and shows nothing before [Meeting.Advance] was called.
type Meeting struct {
	id, title  string
	start      int64 // Unix milliseconds
	keep       int64 // ms after the end
	keepInfo   int64 // ms after the end; negative for ever
	rejoin     Rejoin
	deviceRows DeviceRows
	atEnd      AtEnd
	unlisted   bool
	denied     bool

	people []Person
	byID   map[string]int
	unions map[string]bool

	history []Action // in the order of their times
	applied int      // how many of them view holds
	view    *fold
	at      int64 // the time view shows
	floor   int64 // never show a time before this: something was done live at it
	churn   *churner
	ahead   map[string]int64 // when the last live action of each person is or will be; churn waits for it
	teller  teller

	contradiction func(meeting string, a Action, err error)
}

// Advance plays the history up to now. Churn is made up on the way, in the order of time, so that
// it does not depend on how often the list is read.
func (m *Meeting) Advance(now int64) {
	now = max(now, m.floor)
	if now < m.at {
		m.rewind()
	}
	m.at = now
	for {
		due := now + 1
		if m.applied < len(m.history) {
			due = m.history[m.applied].At
		}
		if m.churn != nil && m.churn.next < due && m.churn.next <= now {
			if a, ok := m.churn.tick(m); ok {
				m.history = slices.Insert(m.history, m.applied, a)
			}
			continue
		}
		if due > now {
			return
		}
		m.play()
	}
}

// play applies the next action of the history.
func (m *Meeting) play() {
	a := m.history[m.applied]
	if err := m.view.apply(a); err != nil && m.contradiction != nil {
		m.contradiction(m.id, a, err) // every action was tried before it entered the history
	}
	m.applied++
}

// rewind goes back to the beginning: time went backwards, or the past was changed.
func (m *Meeting) rewind() {
	m.view = newFold(m)
	m.applied = 0
	m.at = 0
	m.teller.rewind()
}

// Begun says whether there is such a meeting yet.
func (m *Meeting) Begun() bool { return m.at >= m.start }

// Listable says whether the member list can be read.
func (m *Meeting) Listable() bool {
	return m.Begun() && (m.view.ended == 0 || m.at < m.view.ended+m.keep)
}

// Known says whether the meeting's information can be read.
func (m *Meeting) Known() bool {
	return m.Begun() && (m.view.ended == 0 || m.keepInfo < 0 || m.at < m.view.ended+m.keepInfo)
}

// Live says whether the meeting is going on.
func (m *Meeting) Live() bool { return m.Begun() && m.view.ended == 0 }

// add makes a person known to the meeting.
func (m *Meeting) add(p Person) error {
	p, err := p.normalised()
	if err != nil {
		return err
	}
	if _, ok := m.byID[p.ID]; ok {
		return fmt.Errorf("person %q is there twice", p.ID)
	}
	if p.UnionID != "" && m.unions[p.UnionID] {
		return fmt.Errorf("unionId %q is there twice", p.UnionID)
	}
	if len(m.people) >= maxPeople {
		return fmt.Errorf("more than %d people", maxPeople)
	}
	p.Visits, p.Calls = nil, nil
	m.byID[p.ID] = len(m.people)
	if p.UnionID != "" {
		m.unions[p.UnionID] = true
	}
	m.people = append(m.people, p)
	m.view.grow()
	return nil
}

// forget drops the people made known after the first n. The view is to be rewound.
func (m *Meeting) forget(n int) {
	for _, p := range m.people[n:] {
		delete(m.byID, p.ID)
		delete(m.unions, p.UnionID)
	}
	m.people = m.people[:n]
}

// normalised fills in what a person leaves out, and refuses what makes no sense.
func (p Person) normalised() (Person, error) {
	switch {
	case p.Guest && p.UnionID != "":
		return p, fmt.Errorf("a guest has no unionId")
	case p.Guest:
		p.ID = cmp.Or(p.ID, p.Nick)
		p.Outer = true
	default:
		p.ID = cmp.Or(p.ID, p.UnionID, p.Nick)
		p.UnionID = cmp.Or(p.UnionID, p.ID)
	}
	if p.ID == "" {
		return p, fmt.Errorf("a person needs a nick, an id or a unionId")
	}
	if p.Host && p.CoHost {
		return p, fmt.Errorf("%q is both host and co-host", p.ID)
	}
	for _, text := range []string{p.ID, p.UnionID, p.Nick} {
		if err := checkText(text); err != nil {
			return p, err
		}
	}
	return p, nil
}

// checkText refuses what no name, title or device is.
func checkText(text string) error {
	if len(text) > maxText {
		return fmt.Errorf("%.20q... is longer than %d bytes", text, maxText)
	}
	if strings.ToValidUTF8(text, "") != text {
		return fmt.Errorf("%q is not UTF-8", text)
	}
	return nil
}
