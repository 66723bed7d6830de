package evidence

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/c4342123/rollcall/events"
)

// meeting checks the events of one meeting, in the order of the stream.
type meeting struct {
	lines  *lines
	opts   *Options
	name   HeaderMeeting
	source string // of its events

	seen     int          // events
	erased   int          // holes
	chain    events.Chain // how far it has come; its count is from the first event in the file on
	line     int          // of the last event or hole; 0 when there is none yet
	sequence uint64       // of the last event that has one; 0 when that is not known
	expired  bool         // the chain's first events are missing
	missing  uint64       // how many, once a seal has told
	restarts int          // chains that began anew, as all was lost
	closed   bool         // nothing came behind the last event that closes the meeting
	mayLeaf  bool         // the last event, or what was erased there, may be a leaf of the log
	mustLeaf bool         // it has to be one for the meeting to be proven
	holes    []heldHole   // that no event has told of yet
	signers  []string
	open     bool // it is not proven
}

// heldHole is a hole, and where it stands.
type heldHole struct {
	events.Hole
	line int
}

// keepOpen notes that the meeting is not proven, which is an error unless such meetings are
// accepted.
func (m *meeting) keepOpen(line int, why string) error {
	m.open = true
	if m.opts.Open {
		return nil
	}
	return m.lines.misfitAt(line, "meeting %s: %s", m.name.ConferenceID, why)
}

// event takes the next event.
func (m *meeting) event(payload []byte) error {
	a, err := scan(payload)
	switch {
	case err != nil:
		return m.lines.misfit("%v", err)
	case string(a.source) != m.source:
		return m.lines.misfit("it is of %.200q, not of meeting %s", a.source, m.name.ConferenceID)
	}
	m.seen++
	for _, step := range []func() error{
		m.pass,
		func() error { return m.follows(payload, a) },
		func() error { return m.counts(a) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	m.closed, m.line = false, m.lines.number
	if a.previous == nil {
		return m.keepOpen(m.line, "it is not chained: Rollcall did not do so yet when it was stored")
	}
	if !events.Type(a.kind).OfMember() {
		if err := m.seals(payload, events.Type(a.kind)); err != nil {
			return err
		}
	}
	m.chain = events.Chain{Events: m.chain.Events + 1, Last: m.lines.sum()}
	if Closes(events.Type(a.kind)) {
		m.closed, m.mayLeaf, m.mustLeaf = true, true, true
	}
	return nil
}

// pass leaves an event or a hole behind that no line says to be in the log.
func (m *meeting) pass() error {
	uncovered := m.mustLeaf
	m.mayLeaf, m.mustLeaf = false, false
	if uncovered {
		return m.keepOpen(m.lines.number, fmt.Sprintf("nothing says where in the log its end on line %d is: no checkpoint covers it yet", m.line))
	}
	return nil
}

// follows holds an event to what stands before it.
func (m *meeting) follows(payload []byte, a attributes) error {
	begun := m.chain.Begun()
	switch previous := string(a.previous); {
	case a.previous == nil && !begun, begun && previous == m.chain.Last.String(), !begun && previous == events.NoHash:
		if !begun && startOf(payload, a).Restarted {
			m.restarts++
		}
		return nil
	case a.previous == nil:
		return m.lines.misfit("it is not chained, but the event on line %d is", m.line)
	case begun && previous == events.NoHash && startOf(payload, a).Restarted:
		return m.restart()
	case begun:
		return m.lines.misfit("it does not follow line %d: its previous is %.12s…, the hash of that event %.12s…: one of them was changed, or there was something between them",
			m.line, previous, m.chain.Last)
	case m.seen > 1:
		return m.lines.misfit("a chain does not begin with it: its previous is %.12s…", previous)
	}
	last, err := events.ParseHash(string(a.previous))
	if err != nil {
		return m.lines.misfit("%v", err)
	}
	m.expired, m.chain.Last = true, last
	return m.keepOpen(m.lines.number, "events before it are missing: they have expired, or were taken out")
}

// restart begins the chain anew, as all that was stored was lost.
func (m *meeting) restart() error {
	if err := m.untold(); err != nil {
		return err
	}
	if !m.closed {
		if err := m.keepOpen(m.line, "what was stored up to here is not sealed, and the chain begins anew behind it"); err != nil {
			return err
		}
	}
	m.restarts++
	m.chain, m.sequence, m.expired, m.missing = events.Chain{}, 0, false, 0
	return nil
}

// startOf is the data of a start, as far as it says that a chain begins anew.
func startOf(payload []byte, a attributes) (start struct{ Restarted bool }) {
	if events.Type(a.kind) == events.MeetingStarted {
		if e, err := events.Decode(payload); err == nil {
			start.Restarted = e.Meeting.Restarted
		}
	}
	return start
}

// counts holds an event to the numbers of the meeting's events.
func (m *meeting) counts(a attributes) error {
	if a.sequence == nil {
		return nil
	}
	sequence, err := strconv.ParseUint(string(a.sequence), 10, 64)
	if err != nil || sequence == 0 {
		return m.lines.misfit("its sequence is %.40q", a.sequence)
	}
	if m.chain.Begun() && m.sequence != 0 && sequence != m.sequence+1 {
		return m.lines.misfit("its sequence is %d, not %d", sequence, m.sequence+1)
	}
	m.sequence = sequence
	return nil
}

// seals checks the seal of an event, if it is of a type that has one.
func (m *meeting) seals(payload []byte, t events.Type) error {
	e, err := events.Decode(payload)
	if err != nil {
		return m.lines.misfit("%v", err)
	}
	s := e.Seal()
	switch {
	case s == nil && Closes(t):
		return m.keepOpen(m.lines.number, "it is not sealed: Rollcall had no signing key")
	case s == nil:
		return nil
	case !slices.Contains(m.opts.Keys, s.Key):
		return m.lines.misfit("it is sealed by %.80q, which is none of the keys", s.Key)
	}
	if err := events.CheckSeal(payload, &e); err != nil {
		return m.lines.misfit("%v", err)
	}
	if m.expired && m.missing == 0 && s.Events > m.chain.Events {
		m.missing = s.Events - m.chain.Events
	}
	if s.Hash != m.chain.Last.String() || s.Events != m.missing+m.chain.Events {
		return m.lines.misfit("its seal is of %d events up to %.12s…, not of %d up to %.12s…", s.Events, s.Hash, m.missing+m.chain.Events, m.chain.Last)
	}
	if !slices.Contains(m.signers, s.Key) {
		m.signers = append(m.signers, s.Key)
	}
	if e.Erased != nil {
		m.holes = slices.DeleteFunc(m.holes, func(h heldHole) bool { return slices.Contains(e.Erased.Holes, h.Hole) })
	}
	return nil
}

// hole takes what stands for an event that was erased.
func (m *meeting) hole(h events.Hole) error {
	sum, err := events.ParseHash(h.Hash)
	switch {
	case err != nil:
		return m.lines.misfit("%v", err)
	case h.Previous != m.chain.Last.String() || !m.chain.Begun() && m.seen > 0:
		return m.lines.misfit("it does not follow line %d: its previous is %.12s…, not %.12s…", m.line, h.Previous, m.chain.Last)
	case h.Sequence != 0 && m.sequence != 0 && h.Sequence != m.sequence+1:
		return m.lines.misfit("its sequence is %d, not %d", h.Sequence, m.sequence+1)
	case h.Sequence != 0:
		m.sequence = h.Sequence
	}
	if err := m.pass(); err != nil {
		return err
	}
	m.erased++
	m.holes = append(m.holes, heldHole{h, m.lines.number})
	m.chain = events.Chain{Events: m.chain.Events + 1, Last: sum}
	m.closed, m.line, m.mayLeaf = false, m.lines.number, true
	return nil
}

// untold finds a hole that no event has told of.
func (m *meeting) untold() error {
	if len(m.holes) == 0 {
		return nil
	}
	return m.lines.misfitAt(m.holes[0].line, "no event of the meeting tells that one was erased here")
}

// inLog takes where the last event is in the log.
func (m *meeting) inLog(l leaf) (foundLeaf, error) {
	switch {
	case !m.mayLeaf:
		return foundLeaf{}, m.lines.misfit("nothing before it closes a meeting")
	case l.Hash != m.chain.Last.String():
		return foundLeaf{}, m.lines.misfit("it is not about line %d, whose hash is %.12s…", m.line, m.chain.Last)
	}
	m.mayLeaf, m.mustLeaf = false, false
	return foundLeaf{index: l.Index, hash: LeafHash(m.chain.Last), line: m.lines.number}, nil
}

// finish is called at the line behind the meeting's last.
func (m *meeting) finish() error {
	if m.seen < m.name.Events {
		return m.lines.misfit("%d of the %d events of meeting %s are missing before it", m.name.Events-m.seen, m.name.Events, m.name.ConferenceID)
	}
	if err := m.untold(); err != nil {
		return err
	}
	if err := m.pass(); err != nil {
		return err
	}
	if !m.closed {
		return m.keepOpen(m.line, "it is not over, and so not sealed")
	}
	return nil
}
