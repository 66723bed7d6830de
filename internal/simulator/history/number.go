package history

import "hash/fnv"

// Hash returns a number that depends on the text alone, so that every meeting has its own chance.
func Hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64()
}

// IsShare says whether p is a probability; NaN is none.
func IsShare(p float64) bool { return p >= 0 && p <= 1 }
