package history

import (
	"cmp"
	"fmt"
	"slices"
)

// LiveAction is an action of the control API. At is in Unix milliseconds; 0 means now. A join may
// introduce somebody the meeting does not know: Nick, UnionID, Guest, Outer, Phone and CoHost
// describe them then.
type LiveAction struct {
	At      int64  `yaml:"at" json:"at,omitempty"`
	Do      Verb   `yaml:"do" json:"do"`
	Person  string `yaml:"person" json:"person,omitempty"`
	Device  string `yaml:"device" json:"device,omitempty"`
	Nick    string `yaml:"nick" json:"nick,omitempty"`
	UnionID string `yaml:"unionId" json:"unionId,omitempty"`
	Guest   bool   `yaml:"guest" json:"guest,omitempty"`
	Outer   bool   `yaml:"outer" json:"outer,omitempty"`
	Phone   bool   `yaml:"phone" json:"phone,omitempty"`
	CoHost  bool   `yaml:"coHost" json:"coHost,omitempty"`
}

// person returns whom the action introduces.
func (l LiveAction) person() Person {
	return Person{
		ID: l.Person, UnionID: l.UnionID, Nick: cmp.Or(l.Nick, l.Person),
		Guest: l.Guest, Outer: l.Outer, Phone: l.Phone, CoHost: l.CoHost,
	}
}

// introduces says whether the action may add a new person.
func (l LiveAction) introduces() bool {
	return l.Do == Join || l.Do == Invite || l.Do == Call || l.Do == Decline
}

// check refuses an action that could never be.
func (l LiveAction) check() error {
	if !l.Do.known() {
		return fmt.Errorf("no such action %q", l.Do)
	}
	if l.At < 0 {
		return fmt.Errorf("at is negative")
	}
	if (l.Do == End) != (l.Person == "") {
		return fmt.Errorf("%s: person is %q", l.Do, l.Person)
	}
	for _, text := range []string{l.Person, l.Device, l.Nick, l.UnionID} {
		if err := checkText(text); err != nil {
			return err
		}
	}
	return nil
}

// happen adds live actions to the history: all of them or, with an error that names the first
// impossible one, none. It returns them with their times, and what had been planned for later and
// can no longer happen.
func (m *Meeting) happen(batch []LiveAction, now int64) (done, dropped []Action, err error) {
	m.Advance(now)
	people, length := len(m.people), len(m.history)
	if length+len(batch) > maxActions {
		return nil, nil, fmt.Errorf("%w: the meeting's history is full: it holds %d actions", ErrScenario, length)
	}
	done, floor, err := m.timed(batch)
	if err == nil {
		if m.follows(done, floor) {
			err = m.extend(done)
		} else {
			dropped, err = m.revise(done)
		}
	}
	if err != nil {
		m.forget(people)
		m.rewind()
		m.Advance(now)
		return nil, nil, err
	}
	for _, a := range done {
		m.ahead[a.Person] = max(m.ahead[a.Person], a.At)
	}
	m.floor = floor
	m.Advance(now)
	return done, dropped, nil
}

// timed gives live actions their times and makes the people known whom they introduce. What
// happens now comes after everything that has happened to the person, if need be by a millisecond;
// floor is the time from which all of it shows.
func (m *Meeting) timed(batch []LiveAction) (out []Action, floor int64, err error) {
	last := make(map[string]int64)
	floor = m.floor
	for i, l := range batch {
		fail := func(err error) error { return failedAction(i, l.Do, l.Person, err) }
		if err := l.check(); err != nil {
			return nil, 0, fail(err)
		}
		p, ok := m.byID[l.Person]
		if !ok && l.introduces() {
			if err := m.add(l.person()); err != nil {
				return nil, 0, fail(err)
			}
			p, ok = m.byID[l.Person]
		}
		a := Action{At: l.At, Do: l.Do, Person: l.Person, Device: l.Device, Nick: l.Nick}.withDefaults()
		if a.At == 0 {
			a.At = max(m.at, last[l.Person]+1)
			if ok && m.view.members[p].last != never {
				a.At = max(a.At, m.view.members[p].last+1)
			}
			if l.Do == End {
				a.At = max(a.At, m.latest(out)+1)
			}
			floor = max(floor, a.At)
		}
		last[l.Person] = max(last[l.Person], a.At)
		out = append(out, a)
	}
	return out, floor, nil
}

// latest returns the time of the last thing that has happened, some of it in this batch.
func (m *Meeting) latest(batch []Action) int64 {
	var at int64
	if m.applied > 0 {
		at = m.history[m.applied-1].At
	}
	for _, a := range batch {
		at = max(at, a.At)
	}
	return at
}

// follows says whether the actions, in their order, simply come next: nothing is planned, and none
// is later than what will be shown.
func (m *Meeting) follows(batch []Action, floor int64) bool {
	if m.applied < len(m.history) {
		return false
	}
	at := m.latest(nil)
	for _, a := range batch {
		if a.At < at {
			return false
		}
		at = a.At
	}
	return at <= max(m.at, floor)
}

// extend plays the actions right away. After an error the view is unusable.
func (m *Meeting) extend(batch []Action) error {
	for i, a := range batch {
		if err := m.view.apply(a); err != nil {
			return failedAction(i, a.Do, a.Person, err)
		}
	}
	m.history = append(m.history, batch...)
	m.applied = len(m.history)
	return nil
}

// revise enters the actions where their times put them, provided that everything that has happened
// remains possible. Plans they make impossible are dropped and returned.
func (m *Meeting) revise(batch []Action) (dropped []Action, err error) {
	type entry struct {
		Action
		live int // index in batch, or -1
	}
	entries := make([]entry, 0, len(m.history)+len(batch))
	for _, a := range m.history {
		entries = append(entries, entry{a, -1})
	}
	for i, a := range batch {
		entries = append(entries, entry{a, i})
	}
	slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.At, b.At) })
	history := make([]Action, 0, len(entries))
	trial := newFold(m)
	for _, e := range entries {
		err := trial.apply(e.Action)
		switch {
		case err == nil:
			history = append(history, e.Action)
		case e.live >= 0:
			return nil, failedAction(e.live, e.Do, e.Person, err)
		case e.At <= m.at:
			return nil, fmt.Errorf("%w: then %q could not have done %q at %d: %w", ErrScenario, e.Person, e.Do, e.At, err)
		default:
			dropped = append(dropped, e.Action)
		}
	}
	m.history = history
	m.rewind()
	return dropped, nil
}

func failedAction(i int, do Verb, person string, err error) error {
	return fmt.Errorf("%w: actions[%d] (%s %s): %w", ErrScenario, i, do, person, err)
}
