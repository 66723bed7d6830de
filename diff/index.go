package diff

import (
	"hash/maphash"
	"math/bits"
)

// seed makes hashes differ between processes: they are never stored.
var seed = maphash.MakeSeed()

// index finds people by key, by open addressing. It is built only when the order of the list gives
// nothing to go by.
type index struct {
	slots []int32 // 1 + the position of a person, 0 for none; a power of two of them
	built bool
}

// find returns the position of the person with this key, or -1.
func (x *index) find(s *State, key []byte) int32 {
	if !x.built {
		x.build(s)
	}
	for at := x.home(key); x.slots[at] > 0; at = x.after(at) {
		if i := x.slots[at] - 1; s.is(&s.people[i], key) {
			return i
		}
	}
	return -1
}

// add takes in person i, the last one of s.
func (x *index) add(s *State, i int32) {
	if 3*len(s.people) > len(x.slots) { // each may be there under two keys
		x.build(s)
		return
	}
	x.put(s.key(&s.people[i]), i)
}

func (x *index) build(s *State) {
	n := 1 << bits.Len(uint(3*len(s.people))) // a third full, or two where all have another key
	if cap(x.slots) < n {
		x.slots = make([]int32, n)
	}
	x.slots, x.built = x.slots[:n], true
	clear(x.slots)
	for i := range s.people {
		p := &s.people[i]
		x.put(s.key(p), int32(i))
		if p.flags.has(renamed) {
			x.put(s.listedAs(p), int32(i))
		}
	}
}

func (x *index) put(key []byte, i int32) {
	at := x.home(key)
	for x.slots[at] > 0 {
		at = x.after(at)
	}
	x.slots[at] = i + 1
}

func (x *index) home(key []byte) int { return int(maphash.Bytes(seed, key)) & (len(x.slots) - 1) }

func (x *index) after(at int) int { return (at + 1) & (len(x.slots) - 1) }
