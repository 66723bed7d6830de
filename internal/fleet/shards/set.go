package shards

import (
	"fmt"
	"iter"
	"math/bits"
	"strconv"
)

// Count is the number of shards. Which meeting belongs to which is [events.Shard].
const Count = 64

// Set is a set of shards: bit n stands for shard n. The zero value is empty.
type Set uint64

// Every is the set of all shards.
const Every = ^Set(0)

// One returns the set of a single shard, and the empty set for what is none.
func One(shard int) Set {
	if shard < 0 || shard >= Count {
		return 0
	}
	return 1 << shard
}

// Has tells whether a shard is in the set; what is no shard is in none.
func (s Set) Has(shard int) bool { return s&One(shard) != 0 }

// Len returns how many shards are in the set.
func (s Set) Len() int { return bits.OnesCount64(uint64(s)) }

// All yields the shards of the set in ascending order.
func (s Set) All() iter.Seq[int] {
	return func(yield func(int) bool) {
		for rest := uint64(s); rest != 0; rest &= rest - 1 {
			if !yield(bits.TrailingZeros64(rest)) {
				return
			}
		}
	}
}

// MarshalText implements encoding.TextMarshaler: 16 hexadecimal digits, as not every JSON reader
// keeps 64 bits of a number.
func (s Set) MarshalText() ([]byte, error) { return fmt.Appendf(nil, "%016x", uint64(s)), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Set) UnmarshalText(text []byte) error {
	n, err := strconv.ParseUint(string(text), 16, Count)
	if err != nil {
		return fmt.Errorf("set of shards: %w", err)
	}
	*s = Set(n)
	return nil
}
