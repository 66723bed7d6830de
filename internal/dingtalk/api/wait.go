package api

import (
	"net/http"
	"strconv"
	"sync"
	"time"
)

// retryAfter reads the header Retry-After, in seconds or as an HTTP date (RFC 9110, 10.2.3); 0 when
// it says nothing usable. It is capped at maxWait.
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := header.Get("Retry-After")
	if value == "" {
		return 0
	}
	if seconds, err := strconv.ParseUint(value, 10, 63); err == nil {
		return time.Duration(min(seconds, uint64(maxWait/time.Second))) * time.Second
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxWait)
}

// block remembers the block of this machine's address, so that one met again right after its end is
// given twice the time: the unit of "wait" is nowhere documented, and calls made during a block may
// prolong it.
type block struct {
	mu    sync.Mutex
	last  time.Duration
	until time.Time
}

// wait says how long to leave upstream alone after it said "blocked, for told".
func (b *block) wait(now time.Time, told time.Duration) time.Duration {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now.Before(b.until) { // a call that was under way when the block was met
		return b.until.Sub(now)
	}
	b.last = min(max(told, 2*b.last), maxWait)
	b.until = now.Add(b.last)
	return b.last
}

// over says that upstream answers again.
func (b *block) over() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.last, b.until = 0, time.Time{}
}
