package access

import (
	"net/netip"
	"sync/atomic"
	"time"
)

// Failure is a way in which somebody could not show who they are, or may not do what they want.
type Failure int

// The ways.
const (
	WrongToken   Failure = iota // with a request
	WrongLogin                  // given to log in
	WrongSession                // one that has ended, or never began
	WrongPerson                 // the organisation's log-in did not let them in
	NoScope                     // they may do other things than this
	TooMany                     // a wrong token of an address that had given too many
	failures
)

// String names the way, for metrics and logs.
func (f Failure) String() string {
	return [failures]string{"token", "login", "session", "oidc", "scope", "limited"}[f]
}

// Failures count who was not let in. The zero value is ready for use.
type Failures struct {
	counts   [failures]atomic.Uint64
	attempts attempts
}

// Count takes note of one.
func (f *Failures) Count(way Failure) { f.counts[way].Add(1) }

// Wrong takes note of a wrong token, and returns how long its address has to wait until the next
// one is looked at; 0 when this one still was.
func (f *Failures) Wrong(way Failure, from netip.Addr) time.Duration {
	wait := f.attempts.wrong(from, time.Now())
	if wait > 0 {
		way = TooMany
	}
	f.Count(way)
	return wait
}

// Each calls back with every way and how often it was taken.
func (f *Failures) Each(back func(way Failure, count uint64)) {
	for way := range failures {
		back(way, f.counts[way].Load())
	}
}
