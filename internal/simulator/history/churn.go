package history

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"
)

// Churn keeps a meeting alive: a crowd of its own comes and goes at random, by the scenario's seed,
// for as long as the meeting goes on. What is done live to its people counts.
type Churn struct {
	// People is the size of the crowd; Guests of them have no unionId, Phones join by telephone.
	People int `yaml:"people"`
	Guests int `yaml:"guests,omitempty"`
	Phones int `yaml:"phones,omitempty"`
	// Every is the mean time between two things happening.
	Every Duration `yaml:"every"`
	From  Duration `yaml:"from,omitempty"` // when it begins
	// Gap is the least time between two things one person does; 2 s when 0.
	Gap Duration `yaml:"gap,omitempty"`
	// Present is the share of the crowd that is in the meeting on average; 0.6 when 0.
	Present float64 `yaml:"present,omitempty"`
	// Kicks, Calls and Devices are the probabilities that an end is a kick, that an arrival is
	// called first, and that somebody present brings or puts away a second device instead of
	// leaving.
	Kicks   float64 `yaml:"kicks,omitempty"`
	Calls   float64 `yaml:"calls,omitempty"`
	Devices float64 `yaml:"devices,omitempty"`
}

const (
	// SecondDevice names the device with which a person joins who is in the meeting already.
	SecondDevice = "phone"
	// maxCrowd bounds the work of making up one action, which looks at everybody.
	maxCrowd = 1000
)

// churner makes up the actions of a crowd, one after the other.
type churner struct {
	plan  Churn
	mean  float64 // ms between two actions
	gap   int64   // ms between two of one person
	next  int64   // Unix milliseconds of the next one
	first int     // index of the crowd's first person
	rng   *rand.Rand
}

func (c Churn) check() error {
	switch {
	case c.People < 1 || c.People > maxCrowd:
		return fmt.Errorf("people is not between 1 and %d", maxCrowd)
	case c.Guests < 0 || c.Phones < 0 || c.Guests+c.Phones > c.People:
		return fmt.Errorf("guests and phones are more than people")
	case c.Every < Duration(time.Millisecond):
		return fmt.Errorf("every is not at least 1ms")
	case c.Gap < 0:
		return fmt.Errorf("gap is negative")
	}
	for _, p := range []float64{c.Present, c.Kicks, c.Calls, c.Devices} {
		if !IsShare(p) {
			return fmt.Errorf("%v is not between 0 and 1", p)
		}
	}
	return nil
}

func newChurner(plan Churn, m *Meeting, start int64, play Playing) (*churner, error) {
	if err := plan.check(); err != nil {
		return nil, err
	}
	plan.Present = cmp.Or(plan.Present, 0.6)
	plan.Gap = cmp.Or(plan.Gap, Duration(2*time.Second))
	c := &churner{
		plan:  plan,
		mean:  math.Max(float64(plan.Every)/float64(time.Millisecond)/play.Speed, 1),
		gap:   plan.Gap.After(0, play.Speed),
		next:  max(plan.From.After(start, play.Speed), m.start),
		first: len(m.people),
		rng:   rand.New(rand.NewPCG(play.Seed, Hash(m.id))),
	}
	for i := range plan.People {
		p := Person{ID: fmt.Sprintf("crowd-%d", i+1), Nick: name(i)}
		switch {
		case i < plan.Guests:
			p.Guest = true
		case i < plan.Guests+plan.Phones:
			p.Phone = true
		}
		if err := m.add(p); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// tick makes up what happens at c.next, if anything, and when the next thing does. It looks at
// nothing but the meeting as it is at that moment.
func (c *churner) tick(m *Meeting) (Action, bool) {
	at := c.next
	c.next += max(int64(math.Round(c.rng.ExpFloat64()*c.mean)), 1)
	if m.view.ended != 0 || len(m.history) >= maxActions || len(m.view.rows) >= maxRows {
		c.next = math.MaxInt64
		return Action{}, false
	}
	absent, present := c.crowd(m, at)
	free := len(absent) + len(present)
	if free == 0 {
		return Action{}, false
	}
	// The further the crowd is from its usual size, the likelier it moves towards it.
	lack := c.plan.Present - float64(len(present))/float64(free)
	arrival := c.rng.Float64() < 0.5+2*lack
	if arrival && len(absent) > 0 || len(present) == 0 {
		return c.arrival(m, absent, at), true
	}
	return c.departure(m, present, at), true
}

// crowd returns who of the crowd is absent and who is present, leaving out people with planned
// actions.
func (c *churner) crowd(m *Meeting, at int64) (absent, present []int) {
	for i := c.first; i < c.first+c.plan.People; i++ {
		member := &m.view.members[i]
		switch {
		case member.last != never && member.last+c.gap >= at || m.ahead[m.people[i].ID] >= at:
		case len(member.open) == 0:
			absent = append(absent, i)
		default:
			present = append(present, i)
		}
	}
	return absent, present
}

// arrival makes a person join, or be called first.
func (c *churner) arrival(m *Meeting, absent []int, at int64) Action {
	i := absent[c.rng.IntN(len(absent))]
	a := Action{At: at, Do: Join, Person: m.people[i].ID, Device: DefaultDevice}
	switch {
	case c.ringing(m, i) && c.rng.IntN(4) == 0:
		a.Do = Decline
	case !c.ringing(m, i) && c.rng.Float64() < c.plan.Calls:
		a.Do = Call
	}
	return a
}

func (c *churner) ringing(m *Meeting, person int) bool {
	member := &m.view.members[person]
	row, ok := member.rows[m.view.rowKey(DefaultDevice)]
	return ok && m.view.rows[row].Status == StatusCalling
}

// departure makes a person leave, or adds or removes their second device.
func (c *churner) departure(m *Meeting, present []int, at int64) Action {
	i := present[c.rng.IntN(len(present))]
	a := Action{At: at, Do: Leave, Person: m.people[i].ID}
	switch {
	case c.rng.Float64() < c.plan.Devices && !m.people[i].Guest:
		a.Device = SecondDevice
		if !slices.Contains(m.view.members[i].open, SecondDevice) {
			a.Do = Join
		}
	case c.rng.Float64() < c.plan.Kicks:
		a.Do = Kick
	}
	return a
}
