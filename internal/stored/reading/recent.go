package reading

import "hash/maphash"

// remembered bounds how many events a [Recent] knows: those of many big meetings, in a few
// megabytes.
const remembered = 1 << 16

// Recent knows the latest events by their ids, each with what is to be known of it. It recognises
// what is announced anew after a loss of what was stored. The zero value knows none; it is for one
// goroutine.
type Recent[T any] struct {
	seed  maphash.Seed
	known map[uint64]T
	ids   []uint64 // in the order they came, from next on once it is full
	next  int
}

// Note takes note of an event. It tells whether it was known, and what was noted of it then.
func (r *Recent[T]) Note(id string, what T) (before T, again bool) {
	if r.known == nil {
		r.seed, r.known = maphash.MakeSeed(), map[uint64]T{}
	}
	key := maphash.String(r.seed, id)
	if before, again = r.known[key]; again {
		return before, true
	}
	r.known[key] = what
	if len(r.ids) < remembered {
		r.ids = append(r.ids, key)
		return before, false
	}
	delete(r.known, r.ids[r.next])
	r.ids[r.next] = key
	r.next = (r.next + 1) % remembered
	return before, false
}
