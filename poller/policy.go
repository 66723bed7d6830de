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
	// endPatience is how long the list of a meeting that is over is tried to be read before the close-out does without.
	endPatience = time.Minute
	// storeGrace is how long what is being stored may take yet when nothing more is to be.
	storeGrace = time.Second
	// giveUpTime bounds the last look at a meeting that somebody stops watching, and who waits for it.
	giveUpTime = 10 * time.Second

	// askedSpacing is how soon after the last look, at most, somebody who asks for a look gets it, and headStart how far
	// ahead of the meetings that are merely due: no further, so that these are never put off for ever.
	askedSpacing = 3 * time.Second
	headStart    = time.Minute
	// anyOrder is how far apart meetings are put, at random, that are all due.
	anyOrder = time.Second

	// guestLinger is how long a meeting of another replica stays in the table after what it was there for: there may be
	// more, and looks that somebody asks for must not follow each other too fast.
	guestLinger = askedSpacing
	// guestTries is how often a look at it is tried that fails: its own replica looks at it, too.
	guestTries = 5

	// longList is from how many calls on a list is read only when the head-count has changed, or has not for maxPeeks
	// times. Two counts can stay the same only when people came back, or came and went, in pairs.
	longList = 3
	maxPeeks = 3
	// reviewAfter is how long at most calls are put off for want of calls before it is asked whether they are so scarce
	// still.
	reviewAfter = time.Minute

	// maxTick is how much later at most a look begins than it is due, for the sake of sharing a wake-up.
	maxTick = 50 * time.Millisecond

	firstRetry = time.Second
	// maxRetry is when whatever failed is tried again at the latest; a recovery is noticed as soon as an end is.
	maxRetry = checkAfter
	// maxStoreRetry is for reading a state again, which costs no call.
	maxStoreRetry = 5 * time.Second
	// deniedRetry is for what only people can mend: permissions and the month's quota.
	deniedRetry = 5 * time.Minute
)

// jittered spreads what would otherwise happen at one moment: it takes up to a tenth off d, but goes no lower than
// floor. random is in [0, 1).
func jittered(d, floor time.Duration, random float64) time.Duration {
	return max(d-time.Duration(float64(d)*random/10), min(d, floor))
}

// retryAfter is how long to leave after a number of failures in a row.
func retryAfter(failures int, longest time.Duration) time.Duration {
	d := firstRetry
	for i := 1; i < failures && d < longest; i++ {
		d *= 2
	}
	return min(d, longest)
}

// patience is the longest pause before something is tried again that failed with this trouble.
func (t Trouble) patience() time.Duration {
	if t == Denied || t == Exhausted {
		return deniedRetry
	}
	return maxRetry
}
