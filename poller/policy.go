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
)
