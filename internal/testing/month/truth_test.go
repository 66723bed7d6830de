package month

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/c4342123/rollcall/diff"
)

// china is where the offices are.
var china = time.FixedZone("China Standard Time", 8*60*60)

// The month has 30 days, of which 22 are working days. It lies in the year in which bubbles of
// synthetic time begin.
var (
	monthBegins = time.Date(2000, time.June, 1, 0, 0, 0, 0, china)
	monthEnds   = monthBegins.AddDate(0, 1, 0)
)

// starts weighs the half hours from nine o'clock on, lengths are of meetings, in minutes.
var (
	starts  = []float64{4, 8, 20, 8, 8, 4, 2, 3, 6, 5, 16, 7, 8, 6, 5, 3, 2, 1}
	lengths = []float64{15, 30, 30, 30, 45, 60, 60, 60, 90}
)

const (
	onTime    = 0.85 // part of the meetings that begin on the half hour
	guests    = 0.03 // part of the people
	reconnect = 4000 // seconds after which somebody loses the connection, on average, where the tenant has no other line
	fewest    = 3    // people in a meeting
	most      = 15
)

// visit is one device in a meeting, from when until when, in Unix milliseconds.
type visit struct {
	who        string // the person, or empty for a guest
	nick       string
	device     int
	join, left int64
}

// meeting is how a meeting really goes.
type meeting struct {
	id         string
	start, end int64
	visits     []visit // by their start
}

// happen draws the month's meetings, by their start.
func (t tenant) happen() []*meeting {
	r := rand.New(rand.NewPCG(t.seed, 23))
	var out []*meeting
	for day := monthBegins; day.Before(t.ends()); day = day.AddDate(0, 0, 1) {
		if day.Weekday() == time.Sunday || day.Weekday() == time.Saturday {
			continue
		}
		for range t.perDay {
			out = append(out, t.meeting(r, day, len(out)))
		}
	}
	slices.SortFunc(out, func(a, b *meeting) int { return cmp.Compare(a.start, b.start) })
	return out
}

// meeting draws one meeting of a day. Times of its plan are in seconds after midnight.
func (t tenant) meeting(r *rand.Rand, day time.Time, n int) *meeting {
	begin := 9*3600 + 1800*float64(pick(r, starts))
	length := lengths[r.IntN(len(lengths))] * 60
	if r.Float64() > onTime {
		begin += r.Float64() * 1800
		length *= 0.5 + r.Float64()
	}
	plan := plan{begin: begin, end: begin + max(length+r.NormFloat64()*200, 300)}
	together := math.Inf(1) // when the host ends the meeting for all
	if r.IntN(2) == 0 {
		together = plan.end + 60*r.Float64()
	}
	m := &meeting{id: fmt.Sprintf("conf-%d-%d", t.seed, n)}
	at := func(seconds float64) int64 { return day.UnixMilli() + int64(seconds*1000) }
	for i := range fewest + r.IntN(most-fewest+1) {
		p := person{nick: fmt.Sprintf("Name %d", i)}
		if i == 0 || r.Float64() >= guests {
			p.who = fmt.Sprintf("u%d-%d", n, i)
		}
		path := plan.person(r, i == 0, together, cmp.Or(t.line, reconnect))
		m.attend(p, 0, path, at)
		if r.Float64() < t.devices && p.who != "" { // the devices of a guest are several guests
			m.attend(p, 1, second(r, path), at)
		}
	}
	slices.SortFunc(m.visits, func(a, b visit) int { return cmp.Compare(a.join, b.join) })
	m.start = m.visits[0].join
	for _, v := range m.visits {
		m.end = max(m.end, v.left)
	}
	return m
}

type person struct{ who, nick string }

// attend adds what a device does: it comes and goes in turns.
func (m *meeting) attend(p person, device int, path []float64, at func(float64) int64) {
	for i := 0; i+1 < len(path); i += 2 {
		m.visits = append(m.visits, visit{who: p.who, nick: p.nick, device: device, join: at(path[i]), left: at(path[i+1])})
	}
}

// plan is what the people of a meeting go by.
type plan struct{ begin, end float64 }

// person draws when somebody comes and goes, in turns.
func (p plan) person(r *rand.Rand, host bool, together, line float64) []float64 {
	in := p.begin + r.Float64()*(p.end-p.begin) // some at any time
	switch u := r.Float64(); {
	case host:
		in = p.begin - 60*r.Float64()
	case u < 0.75: // most about the start
		in = p.begin + 30 + r.NormFloat64()*90
	case u < 0.93:
		in = p.begin + 60 + r.ExpFloat64()*300
	}
	in = min(max(in, p.begin-300), p.end-60)
	out := in + r.Float64()*(p.end-in) // some have to go earlier
	switch u := r.Float64(); {
	case u < 0.82: // most go together
		out = p.end + math.Abs(r.NormFloat64())*30
	case u < 0.92: // stragglers
		out = p.end + r.ExpFloat64()*120
	}
	out = min(max(out, in+10), max(together, in+10))
	path := []float64{in}
	for {
		lost := path[len(path)-1] + r.ExpFloat64()*line
		back := lost + 5 + r.ExpFloat64()*30
		if back > out-5 {
			return append(path, out)
		}
		path = append(path, lost, back)
	}
}

// second is what a person's other device does during the first visit.
func second(r *rand.Rand, path []float64) []float64 {
	in, out := path[0], path[1]
	from := in + (out-in)*r.Float64()/2
	return []float64{from, from + (out-from)*(0.2+r.Float64())}
}

func pick(r *rand.Rand, weights []float64) int {
	sum := 0.0
	for _, w := range weights {
		sum += w
	}
	left := r.Float64() * sum
	for i, w := range weights {
		if left -= w; left < 0 {
			return i
		}
	}
	return len(weights) - 1
}

// row is how a visit is listed at a time.
func (v visit) row(now int64) diff.Row {
	row := diff.Row{UnionID: v.who, UserNick: v.nick, JoinTime: v.join, Status: diff.StatusActive}
	if v.left <= now {
		row.LeaveTime, row.Status = v.left, diff.StatusLeft
	}
	return row
}

// rows are the member list at a time. With reset, each device has one row, of the last visit, and
// while that goes on the row tells when the one before ended.
func (m *meeting) rows(now int64, reset bool) []diff.Row {
	type key struct {
		person
		device int
	}
	var out []diff.Row
	at := map[key]int{}
	for _, v := range m.visits {
		if v.join > now {
			break
		}
		row := v.row(now)
		k := key{person{v.who, v.nick}, v.device}
		i, again := at[k]
		switch {
		case !reset || !again:
			at[k] = len(out)
			out = append(out, row)
		default:
			if row.Status == diff.StatusActive {
				row.LeaveTime = out[i].LeaveTime
			}
			out[i] = row
		}
	}
	return out
}

// attendance is when somebody was there, by whatever device.
type attendance struct{ join, left int64 }

// attendances are the events there are to tell of a meeting: of everybody the union of their
// visits.
func (m *meeting) attendances() map[string][]attendance {
	out := map[string][]attendance{}
	for _, v := range m.visits {
		who := v.who
		if who == "" {
			who = guest(v.nick)
		}
		all := out[who]
		if n := len(all); n > 0 && v.join < all[n-1].left {
			all[n-1].left = max(all[n-1].left, v.left)
		} else {
			all = append(all, attendance{v.join, v.left})
		}
		out[who] = all
	}
	return out
}

// guest is what all visits of a guest go by here: nicknames are unique in a meeting.
func guest(nick string) string { return "guest " + nick }
