package diff_test

import (
	"fmt"
	"slices"
	"sort"

	"github.com/c4342123/rollcall/diff"
	"pgregory.net/rapid"
)

// oracle is a small independent model of DingTalk's member list: who was there when, on which
// device, and how the list shows it at any moment. It shares no code with the package under test.
type oracle struct {
	reset  bool // a rejoin takes over the row of the device's last visit, instead of adding one
	closes bool // at the meeting's end the list closes the open rows
	end    int64
	people []guestOrMember
}

type guestOrMember struct {
	unionID, nick string
	rung          int64 // a row of status 2 from here on, until the first visit; 0 for none
	devices       [][]stay
}

// stay is one visit of one device. left is 0 when it lasts until the meeting's end.
type stay struct {
	joined, left int64
	kicked       bool
}

const epoch = int64(1_700_000_000_000)

// list is the member list at time t.
func (o *oracle) list(t int64) []diff.Row {
	var rows []diff.Row
	for _, p := range o.people {
		shown := false
		for _, device := range p.devices {
			var last *stay
			for i := range device {
				v := &device[i]
				if v.joined > t {
					break
				}
				shown = true
				if !o.reset {
					rows = append(rows, o.row(p, v, nil, t))
				} else if i+1 == len(device) || device[i+1].joined > t {
					rows = append(rows, o.row(p, v, last, t))
				}
				last = v
			}
		}
		if !shown && p.rung > 0 && p.rung <= t {
			rows = append(rows, diff.Row{UnionID: p.unionID, UserNick: p.nick, Status: diff.StatusCalling})
		}
	}
	return rows
}

func (o *oracle) row(p guestOrMember, v, before *stay, t int64) diff.Row {
	r := diff.Row{UnionID: p.unionID, UserNick: p.nick, JoinTime: v.joined, Status: diff.StatusActive}
	if before != nil {
		r.LeaveTime = before.left
	}
	left := v.left
	if left == 0 && o.closes {
		left = o.end
	}
	if left > 0 && left <= t {
		r.LeaveTime, r.Status = left, diff.StatusLeft
		if v.kicked {
			r.Status = diff.StatusKicked
		}
	}
	return r
}

// fact is what a law compares: one announcement, without how it was seen.
type fact struct {
	person string
	end    bool
	at     int64
}

// truth is the announcements of the whole meeting, found by counting devices at every moment
// something happens.
func (o *oracle) truth() []fact {
	out := []fact{}
	for person, stays := range o.byKey() {
		type step struct {
			at    int64
			delta int
		}
		var steps []step
		for _, v := range stays {
			left := v.left
			if left == 0 {
				left = o.end
			}
			steps = append(steps, step{v.joined, 1}, step{left, -1})
		}
		sort.Slice(steps, func(i, j int) bool {
			if steps[i].at != steps[j].at {
				return steps[i].at < steps[j].at
			}
			return steps[i].delta < steps[j].delta
		})
		devices := 0
		for _, s := range steps {
			devices += s.delta
			if s.delta == 1 && devices == 1 {
				out = append(out, fact{person, false, s.at})
			}
			if devices == 0 {
				out = append(out, fact{person, true, s.at})
			}
		}
	}
	return sorted(out)
}

// present is who is in the meeting at time t.
func (o *oracle) present(t int64) []string {
	out := []string{}
	for person, stays := range o.byKey() {
		if slices.ContainsFunc(stays, func(v stay) bool { return v.joined <= t && (v.left == 0 || v.left > t) }) {
			out = append(out, person)
		}
	}
	slices.Sort(out)
	return out
}

// byKey gathers the stays of each person; every visit of a guest is a person of its own.
func (o *oracle) byKey() map[string][]stay {
	out := map[string][]stay{}
	for _, p := range o.people {
		for _, device := range p.devices {
			for _, v := range device {
				key := p.unionID
				if key == "" {
					key = fmt.Sprintf("guest:%d:%s", v.joined, p.nick)
				}
				out[key] = append(out[key], v)
			}
		}
	}
	return out
}

func sorted(facts []fact) []fact {
	slices.SortFunc(facts, func(a, b fact) int {
		switch {
		case a == b:
			return 0
		case a.person < b.person, a.person == b.person && a.at < b.at,
			a.person == b.person && a.at == b.at && a.end && !b.end:
			return -1
		default:
			return 1
		}
	})
	return facts
}

// history draws a meeting: people with several devices and visits, guests with the same name,
// people who are only called, and a few moments at which several things happen at once.
func history(t *rapid.T, reset bool) *oracle {
	span := int64(600_000)
	if rapid.IntRange(0, 3).Draw(t, "short") == 0 {
		span = 5000 // everything within what may be rounding, or not
	}
	return historyOf(t, reset, span, rapid.Custom(func(t *rapid.T) int64 {
		if rapid.IntRange(0, 3).Draw(t, "coarse") == 0 {
			return epoch + 100*rapid.Int64Range(1, span/100-1).Draw(t, "100 ms")
		}
		return epoch + rapid.Int64Range(1, span-1).Draw(t, "ms")
	}))
}

// leisurely draws a meeting in which nothing happens within the two seconds that count as one time.
func leisurely(t *rapid.T, reset bool) *oracle {
	return historyOf(t, reset, 600_000, rapid.Custom(func(t *rapid.T) int64 {
		return epoch + 2000*rapid.Int64Range(1, 299).Draw(t, "2 s")
	}))
}

func historyOf(t *rapid.T, reset bool, span int64, moment *rapid.Generator[int64]) *oracle {
	o := &oracle{reset: reset, closes: rapid.Bool().Draw(t, "closes"), end: epoch + span}
	for i := range rapid.IntRange(1, 5).Draw(t, "people") {
		p := guestOrMember{unionID: fmt.Sprintf("u%d", i), nick: fmt.Sprintf("Ann %d", i)}
		if rapid.IntRange(0, 4).Draw(t, "guest") == 0 {
			p.unionID, p.nick = "", "Guest"
		} else if rapid.Bool().Draw(t, "rung") {
			p.rung = moment.Draw(t, "rungAt")
		}
		for range rapid.IntRange(0, 3).Draw(t, "devices") {
			p.devices = append(p.devices, stays(t, moment, reset))
		}
		o.people = append(o.people, p)
	}
	o.distinctGuests()
	return o
}

// stays draws the visits of one device: apart from each other, the last one perhaps without an end.
func stays(t *rapid.T, moment *rapid.Generator[int64], reset bool) []stay {
	times := rapid.SliceOfNDistinct(moment, 1, 6, rapid.ID[int64]).Draw(t, "times")
	slices.Sort(times)
	var out []stay
	for i := 0; i < len(times); i += 2 {
		v := stay{joined: times[i], kicked: rapid.IntRange(0, 5).Draw(t, "kicked") == 0}
		if i+1 < len(times) {
			v.left = times[i+1]
		}
		out = append(out, v)
	}
	return out
}

// distinctGuests moves guests apart who would be one and the same to anybody who reads the list, as
// the key of a guest is nickname and joinTime.
func (o *oracle) distinctGuests() {
	taken := map[int64]bool{}
	for pi := range o.people {
		p := &o.people[pi]
		if p.unionID != "" {
			continue
		}
		p.devices = slices.DeleteFunc(p.devices, func(device []stay) bool {
			for _, v := range device {
				if taken[v.joined] {
					return true
				}
				taken[v.joined] = true
			}
			return false
		})
	}
}
