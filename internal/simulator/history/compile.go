package history

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"time"
)

// DefaultKeep is how long the member list of a meeting that has ended can be read, unless the
// meeting says otherwise.
const DefaultKeep = 10 * time.Minute

var meetingID = regexp.MustCompile(`^[A-Za-z0-9_-]{1,128}$`)

// step is a planned action on its way to becoming an [Action].
type step struct {
	at    Duration
	rank  int // order among a person's steps at one time
	a     Action
	where string
}

// compile turns the plan of a meeting into its history; start is Unix milliseconds. What is wrong
// with the plan is found here: everything that is planned is tried.
func (p Plan) compile(start int64, play Playing) (*Meeting, error) {
	speed := play.Speed
	if err := p.check(); err != nil {
		return nil, p.wrong("", err)
	}
	m := &Meeting{
		id: p.ID, title: p.Title, start: p.Start.After(start, speed),
		rejoin: cmp.Or(p.Rejoin, ResetRow), deviceRows: cmp.Or(p.DeviceRows, RowPerDevice), atEnd: cmp.Or(p.AtEnd, CloseRows),
		keep: Duration(DefaultKeep).After(0, speed), keepInfo: -1,
		unlisted: p.Unlisted, denied: p.Denied,
		byID: map[string]int{}, unions: map[string]bool{}, ahead: map[string]int64{}, contradiction: play.Contradiction,
	}
	if p.Keep != nil {
		m.keep = p.Keep.After(0, speed)
	}
	if p.KeepInfo != nil {
		m.keepInfo = p.KeepInfo.After(0, speed)
	}
	m.view = newFold(m)
	for i, person := range p.People {
		if err := m.add(person); err != nil {
			return nil, p.wrong(fmt.Sprintf("people[%d]", i), err)
		}
	}
	if err := m.schedule(p, start, speed); err != nil {
		return nil, err
	}
	if p.Churn != nil {
		var err error
		if m.churn, err = newChurner(*p.Churn, m, start, play); err != nil {
			return nil, p.wrong("churn", err)
		}
	}
	return m, nil
}

// schedule gives the planned steps their times and tries them all.
func (m *Meeting) schedule(p Plan, start int64, speed float64) error {
	steps, err := p.steps(m)
	if err != nil {
		return err
	}
	if len(steps) > maxActions {
		return p.wrong("", fmt.Errorf("more than %d actions", maxActions))
	}
	slices.SortStableFunc(steps, func(a, b step) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.rank, b.rank))
	})
	last, latest := make(map[string]int64), int64(0)
	for i := range steps {
		a := &steps[i].a
		a.At = steps[i].at.After(start, speed)
		if a.Do == End {
			a.At = max(a.At, latest)
			continue
		}
		// Compressed times may fall together; what happens to one person keeps its order.
		if before, ok := last[a.Person]; ok {
			a.At = max(a.At, before+1)
		}
		last[a.Person], latest = a.At, max(latest, a.endsNotBefore())
	}
	slices.SortStableFunc(steps, func(a, b step) int { return cmp.Compare(a.a.At, b.a.At) })
	trial := newFold(m)
	for _, s := range steps {
		if err := trial.apply(s.a); err != nil {
			return p.wrong(s.where, fmt.Errorf("%s at %s: %w", s.a.Do, s.at, err))
		}
		m.history = append(m.history, s.a)
	}
	return nil
}

// Ranks of what one person does at one time: another device joins before the first leaves, so that
// the attendance goes on; a device that leaves and joins does it in this order; the meeting ends
// last.
const (
	rankFirst = iota
	rankEnds
	rankReturns
	rankMeetingEnd
)

// steps lists everything planned.
func (p Plan) steps(m *Meeting) ([]step, error) {
	var out []step
	for i, person := range p.People {
		where := fmt.Sprintf("people[%d] %q", i, m.people[i].ID)
		visits, err := person.visitSteps(m.people[i].ID, where)
		if err != nil {
			return nil, p.wrong("", err)
		}
		out = append(out, visits...)
		for j, ring := range person.Calls {
			at := fmt.Sprintf("%s: calls[%d]", where, j)
			if ring.Do != Invite && ring.Do != Call && ring.Do != Decline {
				return nil, p.wrong(at, fmt.Errorf("do is %q, none of invite, call, decline", ring.Do))
			}
			a := Action{Do: ring.Do, Person: m.people[i].ID, Device: ring.Device}.withDefaults()
			out = append(out, step{at: ring.At, a: a, where: at})
		}
	}
	for i, planned := range p.Actions {
		a := Action{Do: planned.Do, Person: planned.Person, Device: planned.Device, Nick: planned.Nick}.withDefaults()
		where := fmt.Sprintf("actions[%d]", i)
		for _, text := range []string{a.Device, a.Nick} {
			if err := checkText(text); err != nil {
				return nil, p.wrong(where, err)
			}
		}
		out = append(out, step{at: planned.At, rank: rank(a.Do), a: a, where: where})
	}
	if p.End != nil {
		out = append(out, step{at: *p.End, rank: rankMeetingEnd, a: Action{Do: End}, where: "end"})
	}
	return out, nil
}

func rank(do Verb) int {
	switch {
	case do == End:
		return rankMeetingEnd
	case do.ends():
		return rankEnds
	}
	return rankFirst
}

// visitSteps lists the joins and ends of a person's visits.
func (p Person) visitSteps(id, where string) ([]step, error) {
	var out []step
	for i, v := range p.Visits {
		at := fmt.Sprintf("%s: visits[%d]", where, i)
		if err := checkText(v.Device); err != nil {
			return nil, fmt.Errorf("%s: %w", at, err)
		}
		join := step{at: v.From, a: Action{Do: Join, Person: id, Device: v.Device}.withDefaults(), where: at}
		for _, other := range p.Visits {
			if other.Device == v.Device && other.To != nil && *other.To == v.From {
				join.rank = rankReturns
			}
		}
		out = append(out, join)
		do := cmp.Or(v.Ends, Leave)
		switch {
		case !do.ends():
			return nil, fmt.Errorf("%s: ends is %q, none of leave, kick, drop, vanish", at, v.Ends)
		case v.To == nil && v.Ends != "":
			return nil, fmt.Errorf("%s: ends without to", at)
		case v.To == nil:
			continue
		case *v.To <= v.From:
			return nil, fmt.Errorf("%s: to (%s) is not after from (%s)", at, *v.To, v.From)
		}
		end := Action{Do: do, Person: id, Device: join.a.Device}
		out = append(out, step{at: *v.To, rank: rankEnds, a: end, where: at})
	}
	return out, nil
}

// check refuses what is wrong with the meeting itself.
func (p Plan) check() error {
	switch {
	case !meetingID.MatchString(p.ID):
		return fmt.Errorf("the id is not 1 to 128 of A-Z a-z 0-9 _ -")
	case p.End != nil && *p.End <= p.Start:
		return fmt.Errorf("end (%s) is not after start (%s)", *p.End, p.Start)
	case p.Keep != nil && *p.Keep < 0, p.KeepInfo != nil && *p.KeepInfo < 0:
		return fmt.Errorf("keep and keepInfo are not negative")
	case p.Rejoin != "" && p.Rejoin != ResetRow && p.Rejoin != AddRow:
		return fmt.Errorf("rejoin is %q, neither %s nor %s", p.Rejoin, ResetRow, AddRow)
	case p.DeviceRows != "" && p.DeviceRows != RowPerDevice && p.DeviceRows != OneRow:
		return fmt.Errorf("deviceRows is %q, neither %s nor %s", p.DeviceRows, RowPerDevice, OneRow)
	case p.AtEnd != "" && p.AtEnd != CloseRows && p.AtEnd != LeaveRowsOpen:
		return fmt.Errorf("atEnd is %q, neither %s nor %s", p.AtEnd, CloseRows, LeaveRowsOpen)
	}
	return checkText(p.Title)
}

// wrong says where in the meeting something is wrong.
func (p Plan) wrong(where string, err error) error {
	if where != "" {
		err = fmt.Errorf("%s: %w", where, err)
	}
	return fmt.Errorf("%w: meeting %q: %w", ErrScenario, p.ID, err)
}
