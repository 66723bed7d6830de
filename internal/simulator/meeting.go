package simulator

import (
	"fmt"
	"hash/fnv"
	"log/slog"
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

// meeting is a meeting being played: its history, and the member list it has led to so far.
type meeting struct {
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
	logger  *slog.Logger
}

// advance plays the history up to now. Churn is made up on the way, in the order of time, so that it is the same
// however often anybody looks.
func (m *meeting) advance(now int64) {
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
func (m *meeting) play() {
	a := m.history[m.applied]
	if err := m.view.apply(a); err != nil {
		// Every action was tried before it entered the history.
		m.logger.Error("simulator: the history contradicts itself", "meeting", m.id, "do", a.Do, "error", err)
	}
	m.applied++
}

// rewind goes back to the beginning: time went backwards, or the past was changed.
func (m *meeting) rewind() {
	m.view = newFold(m)
	m.applied = 0
	m.at = 0
	m.teller.rewind()
}

// begun says whether there is such a meeting yet.
func (m *meeting) begun() bool { return m.at >= m.start }

// listable says whether the member list can be read.
func (m *meeting) listable() bool {
	return m.begun() && (m.view.ended == 0 || m.at < m.view.ended+m.keep)
}

// known says whether the meeting's information can be read.
func (m *meeting) known() bool {
	return m.begun() && (m.view.ended == 0 || m.keepInfo < 0 || m.at < m.view.ended+m.keepInfo)
}

// live says whether the meeting is going on.
func (m *meeting) live() bool { return m.begun() && m.view.ended == 0 }

// creator returns who called the meeting: its planned host, or else whoever is listed first.
func (m *meeting) creator() Person {
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

// roomCode returns the eleven digits people type to get in.
func (m *meeting) roomCode() string {
	h := fnv.New64a()
	h.Write([]byte(m.id))
	return fmt.Sprintf("%011d", h.Sum64()%100_000_000_000)
}

// add makes a person known to the meeting.
func (m *meeting) add(p Person) error {
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
func (m *meeting) forget(n int) {
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
		pick(&p.ID, p.Nick)
		p.Outer = true
	default:
		pick(&p.ID, p.UnionID, p.Nick)
		pick(&p.UnionID, p.ID)
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
