package history

import (
	"fmt"
	"math"
	"slices"
)

// The values of attendStatus that DingTalk documents.
const (
	StatusInvited = 1
	StatusCalling = 2
	StatusActive  = 3
	StatusFailed  = 4
	StatusKicked  = 5
	StatusLeft    = 6
)

// Row is one entry of a member list. Times are Unix milliseconds, 0 where the list gives none.
type Row struct {
	Person      int // see [Meeting.Person]
	Join, Leave int64
	Status      int // attendStatus
}

// never is before everything.
const never = math.MinInt64

// member is a person of a meeting as the actions so far have left them.
type member struct {
	nick         string
	host, coHost bool
	came, asked  bool
	last         int64          // when the person's last action was, or never
	open         []string       // devices in the meeting
	rows         map[string]int // the row of each device; of all devices under "" when they share one
}

// fold is a meeting's member list as the actions so far have left it.
type fold struct {
	meeting  *Meeting
	rows     []Row
	members  []member // by index of the person
	present  int
	attended int
	asked    int
	ended    int64 // 0 while the meeting goes on
}

func newFold(m *Meeting) *fold {
	f := &fold{meeting: m}
	f.grow()
	return f
}

// grow makes room for people who have become known.
func (f *fold) grow() {
	for i := len(f.members); i < len(f.meeting.people); i++ {
		p := f.meeting.people[i]
		f.members = append(f.members, member{nick: p.Nick, host: p.Host, coHost: p.CoHost, last: never, rows: map[string]int{}})
	}
}

// apply plays one action, or says why it cannot happen now and changes nothing.
func (f *fold) apply(a Action) error {
	if f.ended != 0 {
		return fmt.Errorf("the meeting has ended")
	}
	if a.At < f.meeting.start {
		return fmt.Errorf("the meeting has not begun")
	}
	if a.Do == End {
		return f.end(a.At)
	}
	person, ok := f.meeting.byID[a.Person]
	if !ok {
		return fmt.Errorf("the meeting knows no person %q", a.Person)
	}
	m := &f.members[person]
	if a.At <= m.last {
		return tooEarly(a.Person)
	}
	if err := f.act(person, m, a); err != nil {
		return err
	}
	m.last = a.At
	return nil
}

func tooEarly(person string) error {
	return fmt.Errorf("something else happened to %q at that millisecond or later", person)
}

func (f *fold) act(person int, m *member, a Action) error {
	switch a.Do {
	case Join:
		return f.join(person, m, a)
	case Leave, Kick, Drop, Vanish:
		return f.out(m, a)
	case Invite, Call, Decline:
		return f.ask(person, m, a)
	case Host:
		for i := range f.members {
			f.members[i].host = false
		}
		m.host, m.coHost = true, false
	case CoHost:
		m.host, m.coHost = false, true
	case Member:
		m.host, m.coHost = false, false
	case Rename:
		m.nick = a.Nick
	default:
		return fmt.Errorf("no such action %q", a.Do)
	}
	return nil
}

func (f *fold) join(person int, m *member, a Action) error {
	if slices.Contains(m.open, a.Device) {
		return fmt.Errorf("%q is in the meeting with device %q already", a.Person, a.Device)
	}
	m.open = append(m.open, a.Device)
	if len(m.open) == 1 {
		f.present++
		if !m.came {
			m.came = true
			f.attended++
		}
	} else if f.meeting.deviceRows == OneRow {
		return nil
	}
	r := f.rowFor(person, m, a.Device)
	r.Join, r.Status = a.At, StatusActive
	return nil
}

// rowFor returns the row a device gets when it joins or is called: the one it had, or a new one.
func (f *fold) rowFor(person int, m *member, device string) *Row {
	key := f.rowKey(device)
	if i, ok := m.rows[key]; ok && (f.meeting.rejoin == ResetRow || f.rows[i].Join == 0) {
		return &f.rows[i]
	}
	m.rows[key] = len(f.rows)
	f.rows = append(f.rows, Row{Person: person})
	return &f.rows[len(f.rows)-1]
}

func (f *fold) rowKey(device string) string {
	if f.meeting.deviceRows == OneRow {
		return ""
	}
	return device
}

func (f *fold) out(m *member, a Action) error {
	leaving := slices.Clone(m.open)
	if a.Device != "" {
		if !slices.Contains(m.open, a.Device) {
			return fmt.Errorf("%q is not in the meeting with device %q", a.Person, a.Device)
		}
		leaving = []string{a.Device}
	}
	if len(leaving) == 0 {
		return fmt.Errorf("%q is not in the meeting", a.Person)
	}
	m.open = slices.DeleteFunc(m.open, func(d string) bool { return slices.Contains(leaving, d) })
	if len(m.open) == 0 {
		f.present--
	}
	if f.meeting.deviceRows == OneRow {
		if len(m.open) > 0 {
			return nil
		}
		leaving = []string{""}
	}
	for _, device := range leaving {
		f.closeRow(m, device, a)
	}
	return nil
}

func (f *fold) closeRow(m *member, key string, a Action) {
	r := &f.rows[m.rows[key]]
	switch a.Do {
	case Leave:
		r.Status, r.Leave = StatusLeft, a.At
	case Kick:
		r.Status, r.Leave = StatusKicked, a.At
	case Drop:
		r.Status = StatusFailed
	case Vanish:
		f.remove(m.rows[key])
	}
}

// remove takes a row off the list.
func (f *fold) remove(i int) {
	f.rows = slices.Delete(f.rows, i, i+1)
	for p := range f.members {
		for key, at := range f.members[p].rows {
			switch {
			case at == i:
				delete(f.members[p].rows, key)
			case at > i:
				f.members[p].rows[key] = at - 1
			}
		}
	}
}

func (f *fold) ask(person int, m *member, a Action) error {
	if slices.Contains(m.open, a.Device) || f.meeting.deviceRows == OneRow && len(m.open) > 0 {
		return fmt.Errorf("%q is in the meeting already", a.Person)
	}
	r := f.rowFor(person, m, a.Device)
	switch a.Do {
	case Invite:
		r.Status = StatusInvited
	case Call:
		r.Status = StatusCalling
	case Decline:
		r.Status = StatusFailed
	}
	if !m.asked {
		m.asked = true
		f.asked++
	}
	return nil
}

func (f *fold) end(at int64) error {
	for i := range f.members {
		if m := &f.members[i]; len(m.open) > 0 && at <= m.last {
			return tooEarly(f.meeting.people[i].ID)
		}
	}
	f.ended = at
	f.present = 0
	for i := range f.members {
		f.members[i].open = nil
	}
	if f.meeting.atEnd == LeaveRowsOpen {
		return nil
	}
	for i := range f.rows {
		if r := &f.rows[i]; r.Status == StatusActive {
			r.Status, r.Leave = StatusLeft, at
		}
	}
	return nil
}
