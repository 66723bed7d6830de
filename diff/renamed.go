package diff

import (
	"bytes"
	"slices"
	"strconv"
)

// A guest is known by nickname and joinTime, and either may change: the guest takes another name,
// the first row had no time yet, or the same time is written differently. If the row of one guest
// is gone from a list, and another row appears with the same joinTime, or with the same nickname
// where either has no time or both are near, it is the same guest, who keeps the name and the key
// announced first. The state keeps how the list names them now.

// guestOf reads the key of a guest.
func guestOf(key []byte) (joined int64, nick []byte) {
	number, nick, _ := bytes.Cut(key[len(guestPrefix):], []byte{':'})
	joined, _ = strconv.ParseInt(string(number), 10, 64)
	return joined, nick
}

// listedAs is the key of a guest as the list names them now.
func (s *State) listedAs(p *person) []byte {
	if p.flags.has(renamed) {
		return s.nick(p)
	}
	return s.key(p)
}

// rename notes that a guest is listed under another key. The state must be a clone.
func (s *State) rename(p *person, key []byte) {
	first := bytes.Clone(s.key(p))
	p.flags |= renamed
	p.name, p.keyLen, p.nickLen = uint32(len(s.names)), uint16(len(first)), uint16(len(key))
	s.names = append(append(s.names, first...), key...)
}

// hasGuests tells whether anybody is a guest.
func (s *State) hasGuests() bool {
	return slices.ContainsFunc(s.people, func(p person) bool { return p.flags.has(guest) })
}

// newcomer is a guest under a key that was not seen before.
type newcomer struct {
	key  []byte
	rows []int32 // in the order of the list
	who  int32   // 1 + position of the person, 0 for a new one
}

// matchNewcomers finds out who the guests are whose keys were not seen before. An uncertain list
// may have missed the row that seems to be gone, so there a guest who may be one of those known is
// left for the next list.
func (c *comparison) matchNewcomers(rows []int32) {
	absent := c.absentGuests()
	if len(absent) == 0 {
		for _, r := range rows {
			c.assign(r, c.findOrAdd(&c.snap.Rows[r]))
		}
		return
	}
	newcomers := c.newcomers(rows)
	pairUp(c.prev, newcomers, absent, joinedAt, joinedAt)
	pairUp(c.prev, newcomers, absent, timed, timeless)
	pairUp(c.prev, newcomers, absent, timeless, timed)
	pairNear(c.prev, newcomers, absent)
	for _, g := range newcomers {
		if g.who > 0 {
			if c.snap.Kind == Uncertain && !c.snap.Over {
				continue
			}
			c.next.rename(c.mutable(g.who-1), g.key)
		}
		for _, r := range g.rows {
			i := g.who - 1
			if g.who == 0 {
				i = c.findOrAdd(&c.snap.Rows[r])
			}
			c.assign(r, i)
		}
	}
}

// absentGuests are the guests who were listed, or are announced as present, and have no row in the
// list.
func (c *comparison) absentGuests() []int32 {
	var out []int32
	for i := range c.prev.people {
		p := &c.prev.people[i]
		if p.flags.has(guest) && c.first[i] == 0 && (p.status != 0 || p.open()) {
			out = append(out, int32(i))
		}
	}
	return out
}

// newcomers gathers rows by guest.
func (c *comparison) newcomers(rows []int32) []*newcomer {
	var out []*newcomer
	known := map[string]*newcomer{}
	for _, r := range rows {
		key := identify(nil, &c.snap.Rows[r])
		g := known[string(key)]
		if g == nil {
			g = &newcomer{key: key}
			known[string(key)] = g
			out = append(out, g)
		}
		g.rows = append(g.rows, r)
	}
	return out
}

// trait is what a guest is recognised by, if they have it.
type trait func(key []byte) (is string, has bool)

func joinedAt(key []byte) (string, bool) {
	joined, _ := guestOf(key)
	return strconv.FormatInt(joined, 10), joined > 0
}

func timed(key []byte) (string, bool) {
	joined, nick := guestOf(key)
	return string(nick), joined > 0
}

func timeless(key []byte) (string, bool) {
	joined, nick := guestOf(key)
	return string(nick), joined <= 0
}

// pairUp recognises newcomers as absent guests: wherever a trait leaves exactly one of either.
func pairUp(s *State, newcomers []*newcomer, absent []int32, ofNewcomer, ofAbsent trait) {
	type candidates struct {
		newcomers, absent int
		newcomer          *newcomer
		who               int32
	}
	found := map[string]*candidates{}
	taken := map[int32]bool{}
	for _, g := range newcomers {
		is, has := ofNewcomer(g.key)
		switch {
		case g.who > 0:
			taken[g.who-1] = true
		case !has:
		case found[is] == nil:
			found[is] = &candidates{newcomers: 1, newcomer: g}
		default:
			found[is].newcomers++
		}
	}
	for _, i := range absent {
		is, has := ofAbsent(s.listedAs(&s.people[i]))
		if c := found[is]; has && c != nil && !taken[i] {
			c.absent++
			c.who = i
		}
	}
	for _, c := range found {
		if c.newcomers == 1 && c.absent == 1 {
			c.newcomer.who = c.who + 1
		}
	}
}

// moment is where guests of one nickname are looked for by time: those near to each other are in
// the same one or in two that touch.
type moment struct {
	nick string
	at   int64 // in units of sameTime
}

// pairNear recognises newcomers as absent guests of the same nickname whose joinTimes are near:
// wherever that leaves exactly one of either.
func pairNear(s *State, newcomers []*newcomer, absent []int32) {
	taken := map[int32]bool{}
	for _, g := range newcomers {
		if g.who > 0 {
			taken[g.who-1] = true
		}
	}
	gone := map[moment][]int32{}
	for _, i := range absent {
		if joined, nick := guestOf(s.listedAs(&s.people[i])); joined > 0 && !taken[i] {
			m := moment{string(nick), joined / sameTime}
			gone[m] = append(gone[m], i)
		}
	}
	only := map[int32]*newcomer{} // nil where several newcomers may be the same guest
	for _, g := range newcomers {
		if g.who > 0 {
			continue
		}
		found := nearGuests(s, g.key, gone)
		for _, i := range found {
			if _, claimed := only[i]; claimed || len(found) > 1 {
				only[i] = nil
			} else {
				only[i] = g
			}
		}
	}
	for i, g := range only {
		if g != nil {
			g.who = i + 1
		}
	}
}

// nearGuests are those of the absent guests who may have the key.
func nearGuests(s *State, key []byte, gone map[moment][]int32) []int32 {
	joined, nick := guestOf(key)
	if joined <= 0 || len(gone) == 0 {
		return nil
	}
	var out []int32
	for at := joined/sameTime - 1; at <= joined/sameTime+1; at++ {
		for _, i := range gone[moment{string(nick), at}] {
			if was, _ := guestOf(s.listedAs(&s.people[i])); near(was, joined) {
				out = append(out, i)
			}
		}
	}
	return out
}
