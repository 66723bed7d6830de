package budget

import "time"

// refused is upstream's word that the month's calls are used up.
type refused struct {
	// Told is how many were made when it said so first, and Until when it is asked again, in Unix
	// milliseconds.
	Told  int   `json:"told"`
	Until int64 `json:"until"`
}

// counts tells whether it does now.
func (r refused) counts(now time.Time) bool { return now.UnixMilli() < r.Until }

// refuse takes note until when no call is made, as upstream calls the month's calls used up.
func (u *Usage) refuse(until time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !until.After(u.now()) || !until.After(time.UnixMilli(u.known.Calls.Until)) {
		return
	}
	u.refused = until
	select {
	case u.noted <- struct{}{}:
	default:
	}
}
