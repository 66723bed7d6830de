package poller

import "time"

const (
	// checkAfter is how long a meeting may go without any call, and infoAfter how long without the information call:
	// together with recheckAfter they keep the promise that an end is found within 20 s by roomNotFound and within
	// 30 s by the information call.
	checkAfter = 15 * time.Second
	infoAfter  = 25 * time.Second
	// recheckAfter is when a roomNotFound or somebody's absence is looked at again.
	recheckAfter = 2 * time.Second

	firstRetry = time.Second
	maxRetry   = 30 * time.Second
	// deniedRetry is when a meeting the app may not read is tried again: permissions are granted by people.
	deniedRetry = 5 * time.Minute
)

// nextInterval is the whole of the polling policy: how long to leave after a look, given how long was left before it
// and whether it found anything new. A change is followed by more; a quiet meeting is looked at ever less often.
func nextInterval(last, shortest, longest time.Duration, changed bool) time.Duration {
	if changed || last < shortest {
		return shortest
	}
	return min(last+last/2, longest)
}

// jittered spreads what would otherwise happen at one moment: it takes up to a tenth off d, but goes no lower than
// floor. random is in [0, 1).
func jittered(d, floor time.Duration, random float64) time.Duration {
	return max(d-time.Duration(float64(d)*random/10), min(d, floor))
}

// retryAfter is how long to leave after a number of failures in a row.
func retryAfter(failures int) time.Duration {
	d := firstRetry
	for i := 1; i < failures && d < maxRetry; i++ {
		d *= 2
	}
	return min(d, maxRetry)
}
