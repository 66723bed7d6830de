package httpapi

import (
	"sync"
	"sync/atomic"
)

// The limits where the options say nothing.
const (
	defaultConnections = 1000
	defaultPerAddress  = 500
	defaultReaders     = 200
)

// keptBack is how many of the files that the process may have open are left to NATS, its store and
// DingTalk.
const keptBack = 32

// Limits are how many may ask at a time. 0 stands for the default of each.
type Limits struct {
	Connections int // 1000 in all
	PerAddress  int // 500 of one address; those of this machine may have all
	Readers     int // 200 readers of events by each token; in all where there are no tokens
}

func (l Limits) withDefaults() Limits {
	for _, limit := range []struct {
		value *int
		usual int
	}{{&l.Connections, defaultConnections}, {&l.PerAddress, defaultPerAddress}, {&l.Readers, defaultReaders}} {
		if *limit.value == 0 {
			*limit.value = limit.usual
		}
	}
	return l
}

// Within lowers the limits to what a process that may have so many files open has room for. 0
// stands for any number.
//
// Readers of events hold their connections: they may have three quarters of them, so that others
// find one, too.
func (l Limits) Within(files uint64) Limits {
	l = l.withDefaults()
	if files > 0 && files < keptBack+uint64(l.Connections) {
		l.Connections = max(int(files)-keptBack, 1)
	}
	l.PerAddress = min(l.PerAddress, l.Connections)
	l.Readers = min(l.Readers, readersOf(l.Connections))
	return l
}

// Refusals count the connections and readers that were refused. The zero value is ready for use.
type Refusals struct {
	Connections atomic.Uint64
	Readers     atomic.Uint64
}

// readersOf is how many connections may be those of readers of events, so that others find one.
func readersOf(connections int) int { return max(connections-connections/4, 1) }

// seats bound the readers of events at a time: in all, and those of each caller.
type seats struct {
	mu    sync.Mutex
	taken map[string]int // by caller
	all   int
	each  int // the most by one caller
	most  int // and in all
}

func newSeats(l Limits) seats {
	l = l.withDefaults()
	return seats{taken: map[string]int{}, each: l.Readers, most: max(readersOf(l.Connections), l.Readers)}
}

// take takes one for a caller, if there is one left; leave gives it back.
func (s *seats) take(caller string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.most || s.taken[caller] >= s.each {
		return false
	}
	s.all++
	s.taken[caller]++
	return true
}

func (s *seats) leave(caller string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all--
	if s.taken[caller]--; s.taken[caller] == 0 {
		delete(s.taken, caller)
	}
}
