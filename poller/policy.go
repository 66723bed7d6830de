package poller

import "time"

const (
	// checkAfter is how long a meeting may go without any call, and infoAfter how long without the
	// information call. Together with recheckAfter they keep the promise that an end is found
	// within 20 s by roomNotFound and within 30 s by the information call.
	checkAfter = 15 * time.Second
	infoAfter  = 25 * time.Second
	// recheckAfter is when a roomNotFound, or a person who is missing, is looked at again.
	recheckAfter = 2 * time.Second
	// endPatience is how long the list of a meeting that is over is tried, before it is closed out
	// without.
	endPatience = time.Minute
	// storeGrace is how long what is being stored may still take once nothing more is accepted.
	storeGrace = time.Second
	// giveUpTime bounds the last look at a meeting that is unwatched, which the caller waits for.
	giveUpTime = 10 * time.Second

	// askedSpacing is at most how soon after the last look one that is asked for is made. headStart
	// is how far it goes ahead of looks that are merely due: no further, so that these are not put
	// off for ever.
	askedSpacing = 3 * time.Second
	headStart    = time.Minute
	// anyOrder is over how long meetings that are all due are spread, at random.
	anyOrder = time.Second

	// guestLinger is how long a guest stays in the table after it was last used: more may follow,
	// and looks that are asked for must not follow each other too fast.
	guestLinger = askedSpacing
	// guestTries is how often a look at a guest is tried. Its own replica looks at it, too.
	guestTries = 5

	// longList is from how many calls on a list is read only when the head-count has changed, or
	// has not for maxPeeks looks. Two counts stay the same only if people came back, or came and
	// went, in pairs.
	longList = 3
	maxPeeks = 3
	// reviewAfter is how long at most calls are put off for want of calls, before it is checked
	// whether there are more by then.
	reviewAfter = time.Minute

	// maxTick is how much later than due a look begins at most, to share a wake-up.
	maxTick = 50 * time.Millisecond
)
